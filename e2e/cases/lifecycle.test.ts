import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CONTROL_PLANE, CONTROL_PLANE_NAMESPACE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { mergePatch } from "../harness/api.ts";
import { openMesh } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { condition, MESH_NAME, type MeshConfig, meshPath, meshReady } from "../harness/mesh.ts";
import { onceWithin } from "../harness/rounds.ts";
import { waitFor } from "../harness/wait.ts";

const meshConfig = (name: string, spec: object): string =>
  JSON.stringify({
    apiVersion: "meshwright.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name },
    spec,
  });

const SETTINGS = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/configmaps/${CONTROL_PLANE}`;
const WEBHOOK = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/meshwright-${MESH_NAME}`;

/** From the moment the API server has told of a change, which is about when it answers the one who made it. */
const RESTORED_WITHIN_MS = 1_000;

/** How long a steady mesh is watched for writes. */
const STEADY_MS = 20_000;

describe("the life of a mesh", () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await openMesh();
  });

  after(() => cluster?.api.close());

  for (const { title, spec, field } of [
    {
      title: "a namespace that is no name",
      spec: { controlPlane: { namespace: "Not_A_Name" } },
      field: "spec.controlPlane.namespace",
    },
    {
      title: "no replica at all",
      spec: { controlPlane: { replicas: 0 } },
      field: "spec.controlPlane.replicas",
    },
    { title: "a field that does not exist", spec: { controlPlan: {} }, field: "controlPlan" },
  ]) {
    test(`a MeshConfig with ${title} is refused, and the message names the field`, async () => {
      const args = ["apply", "--server-side", "--dry-run=server", "-f", "-"];
      const { code, stderr } = await cluster.kubectl.attempt(args, meshConfig("invalid", spec));
      assert.notEqual(code, 0, "it was taken");
      assert.ok(stderr.includes(field), stderr);
    });
  }

  test("the control plane's namespace cannot be changed: the mesh would be another one", async () => {
    const patch = mergePatch({ spec: { controlPlane: { namespace: "elsewhere" } } });
    const { status, body } = await cluster.api.send<{ message: string }>(
      "PATCH",
      meshPath(),
      patch,
    );
    assert.equal(status, 422);
    assert.match(body.message, /spec\.controlPlane\.namespace/);
  });

  /** What a wrong edit must leave as it is: every pod of the mesh, and what the pods are made from. */
  async function untouched(): Promise<readonly string[]> {
    const at = `namespaces/${CONTROL_PLANE_NAMESPACE}`;
    const pods = await cluster.api.list(`/api/v1/${at}/pods`);
    const deployments = await cluster.api.list(`/apis/apps/v1/${at}/deployments`);
    return [
      ...pods.map(({ metadata }) => `pod ${metadata.name} ${metadata.uid}`),
      ...deployments.map(({ metadata }) => `deployment ${metadata.name} ${metadata.generation}`),
    ].sort();
  }

  for (const { title, spec, field } of [
    {
      title: "another trust domain",
      spec: { security: { trustDomain: "other.example" } },
      field: "spec.security.trustDomain",
    },
    {
      title: "a lifetime that is none",
      spec: { security: { workloadTTL: "soon" } },
      field: "spec.security.workloadTTL",
    },
    {
      title: "a gateway on a port that needs root",
      spec: {
        gateways: [{ name: "edge", service: { ports: [{ name: "http", port: 80 }] } }],
      },
      field: "targetPort",
    },
  ]) {
    test(`an edit of the running mesh to ${title} is refused and changes nothing`, async () => {
      const earlier = await untouched();
      const mesh = await cluster.api.get(meshPath());
      const patch = mergePatch({ spec });
      type Refusal = { readonly message: string };
      const { status, body } = await cluster.api.send<Refusal>("PATCH", meshPath(), patch);
      assert.equal(status, 422, JSON.stringify(body));
      assert.ok(body.message.includes(field), body.message);
      const later = await cluster.api.get(meshPath());
      assert.equal(later?.metadata.resourceVersion, mesh?.metadata.resourceVersion);
      assert.deepEqual(await untouched(), earlier);
    });
  }

  test("an edit of the running mesh to a version that is not there says so and changes nothing", async (t) => {
    const earlier = await untouched();
    const set = (version: string | null) =>
      cluster.api.send("PATCH", meshPath(), mergePatch({ spec: { version } }));
    t.after(() => set(null));
    assert.equal((await set("99.0.0")).status, 200);
    const accepted = await waitFor(
      {
        description: "Accepted=False on the MeshConfig",
        deadlineMs: 30_000,
        diagnose: () => diagnose(cluster),
      },
      async () => {
        const mesh = await cluster.api.get<MeshConfig>(meshPath());
        const found = mesh && condition(mesh, "Accepted");
        return found?.status === "False" ? found : undefined;
      },
    );
    assert.equal(accepted.reason, "UnsupportedVersion");
    assert.match(accepted.message, /spec\.version: .*leave the field out/);
    assert.deepEqual(await untouched(), earlier);
    await set(null);
    await meshReady(cluster);
    assert.deepEqual(await untouched(), earlier);
  });

  test("of two MeshConfigs the older works and the other says Conflict", async (t) => {
    const second = "second";
    await cluster.kubectl.applyText(meshConfig(second, {}));
    t.after(() =>
      cluster.kubectl.run(["delete", "meshconfig", second, "--ignore-not-found", "--wait=false"]),
    );
    const accepted = await waitFor(
      {
        description: "Accepted=False on the second MeshConfig",
        deadlineMs: 15_000,
        diagnose: () => diagnose(cluster),
      },
      async () => {
        const mesh = await cluster.api.get<MeshConfig>(meshPath(second));
        const found = mesh && condition(mesh, "Accepted");
        return found?.status === "False" ? found : undefined;
      },
    );
    assert.equal(accepted.reason, "Conflict");
    assert.match(
      accepted.message,
      new RegExp(MESH_NAME),
      "the message should name the other MeshConfig",
    );
    await meshReady(cluster);
    await cluster.kubectl.run(["delete", "meshconfig", second, "--wait=false"]);
    await waitFor(
      { description: "end of the second MeshConfig", deadlineMs: 15_000 },
      async () => (await cluster.api.get(meshPath(second))) === undefined,
    );
    await meshReady(cluster);
  });

  /** Waits until the object is what `isRestored` wants, and says how long that took. */
  async function restored(
    path: string,
    isRestored: (object: KubeObject) => boolean,
  ): Promise<number> {
    const start = performance.now();
    await waitFor(
      {
        description: `restored ${path}`,
        deadlineMs: 15_000,
        intervalMs: 20,
        diagnose: () => diagnose(cluster),
      },
      async () => {
        const object = await cluster.api.get(path);
        return object !== undefined && isRestored(object);
      },
    );
    return performance.now() - start;
  }

  test("an object of the mesh that somebody deletes is back within a second", async (t) => {
    const times = await onceWithin(RESTORED_WITHIN_MS, async () => {
      const earlier = await cluster.api.get(SETTINGS);
      assert.ok(earlier, `there is no ${SETTINGS}`);
      await cluster.api.send("DELETE", SETTINGS);
      return restored(SETTINGS, ({ metadata }) => metadata.uid !== earlier.metadata.uid);
    });
    t.diagnostic(`restored after ${times.join(", ")} ms`);
    await meshReady(cluster);
  });

  test("an object of the mesh that somebody changes is as it was within a second", async (t) => {
    type Webhooks = KubeObject & {
      readonly webhooks: readonly { readonly timeoutSeconds: number }[];
    };
    const earlier = await cluster.api.get<Webhooks>(WEBHOOK);
    assert.ok(earlier, `there is no ${WEBHOOK}`);
    const webhooks = earlier.webhooks.map((webhook) => ({ ...webhook, timeoutSeconds: 29 }));
    const times = await onceWithin(RESTORED_WITHIN_MS, async () => {
      const { status } = await cluster.api.send("PATCH", WEBHOOK, mergePatch({ webhooks }));
      assert.equal(status, 200);
      return restored(WEBHOOK, (object) =>
        (object as Webhooks).webhooks.every(({ timeoutSeconds }) => timeoutSeconds !== 29),
      );
    });
    t.diagnostic(`restored after ${times.join(", ")} ms`);
    await meshReady(cluster);
  });

  test("a steady mesh causes no write but the Lease", async () => {
    await meshReady(cluster);
    await waitFor(
      { description: "end of other tests' namespaces", deadlineMs: 90_000 },
      async () => {
        const namespaces = await cluster.api.list("/api/v1/namespaces");
        return namespaces.every(({ metadata }) => metadata.deletionTimestamp === undefined);
      },
    );
    const versions = async (): Promise<ReadonlyMap<string, string>> =>
      new Map(
        (await ownedObjects(cluster)).map(({ kind, metadata }) => [
          `${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
          metadata.resourceVersion ?? "",
        ]),
      );
    const first = await versions();
    const writes = await writeRequests(cluster);
    assert.ok(
      first.size > 10,
      `only ${first.size} objects found: this test would pass by checking nothing`,
    );
    // Not a wait for something, but a look at nothing happening.
    await delay(STEADY_MS);
    assert.deepEqual(await versions(), first);
    assert.deepEqual(await writeRequests(cluster), writes);
  });
});

/** The MeshConfig and everything the operator made for it. */
async function ownedObjects({ api, kubectl }: Cluster): Promise<readonly KubeObject[]> {
  const kinds =
    "namespaces,configmaps,secrets,services,serviceaccounts,deployments,roles,rolebindings,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,customresourcedefinitions";
  const args = ["get", kinds, "-A", `-l=meshwright.dev/mesh=${MESH_NAME}`, "-o=json"];
  const { items } = JSON.parse(await kubectl.run(args)) as { items: KubeObject[] };
  const mesh = await api.get(meshPath());
  return mesh ? [mesh, ...items] : items;
}

const WRITES = /^apiserver_request_total\{.*verb="(?:APPLY|PATCH|PUT|POST|DELETE)".*\} \d+$/;
/** Written by whoever else lives in a cluster: kubelets, controllers, schedulers. */
const OTHERS =
  /resource="(?:leases|events|nodes|pods|endpointslices|endpoints|tokenreviews|subjectaccessreviews|serviceaccounts|selfsubjectaccessreviews|flowschemas|prioritylevelconfigurations|)"/;

/** What the API server counted of write requests, by resource: also those that changed nothing. */
async function writeRequests({ api }: Cluster): Promise<readonly string[]> {
  const { body } = await api.send<string>("GET", "/metrics");
  return body.split("\n").filter((line) => WRITES.test(line) && !OTHERS.test(line));
}
