import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { KINDS } from "../../src/api/kinds.ts";
import {
  CA_SECRET,
  CACERTS_SECRET,
  CONTROL_PLANE,
  DNS_SERVICE,
  OPERATOR_NAMESPACE,
} from "../../src/api/names.ts";
import type { Ref } from "../../src/kube/client.ts";
import type { MeshOperator } from "../../src/operator/operator.ts";
import { onceWithin } from "../harness/rounds.ts";
import { waitFor } from "../harness/wait.ts";
import { conditionOf, meshConfig, OperatorWorld } from "./operator-world.ts";

/** As lifecycle.test.ts, on a real cluster. */
const RESTORED_WITHIN_MS = 1_000;
const NAMESPACE = "mesh-system";
const MASTER = { namespace: OPERATOR_NAMESPACE, name: CA_SECRET };
const COPY = { namespace: NAMESPACE, name: CACERTS_SECRET };

describe("operator", () => {
  let world: OperatorWorld;
  let operator: MeshOperator;

  before(async () => {
    world = await OperatorWorld.start();
    operator = await world.operator();
  });

  after(async () => {
    await operator?.shutdown();
    await world?.stop();
  });

  test("one MeshConfig becomes a whole mesh, and the status says so", async () => {
    await world.admin.create(meshConfig());
    const mesh = await world.ready();
    assert.deepEqual(
      mesh.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
      [
        "Accepted True Valid",
        "Ready True AllReady",
        "CRDsReady True Established",
        "ControlPlaneReady True RolledOut",
        "InjectorReady True ProbePassed",
        "GatewaysReady True Programmed",
      ],
    );
    assert.equal(mesh.status?.version?.active, "0.1.0");
    assert.deepEqual(mesh.status?.gateways, [
      { name: "istio-ingressgateway", namespace: NAMESPACE, addresses: ["192.0.2.1"], ready: true },
    ]);
    const names = [...(await world.owned()).keys()].filter((name) => !name.startsWith("Custom"));
    assert.deepEqual(names.sort(), [
      "ClusterRole /meshwright-control-plane-default",
      "ClusterRoleBinding /meshwright-control-plane-default",
      `ConfigMap ${NAMESPACE}/${CONTROL_PLANE}`,
      `Deployment ${NAMESPACE}/istio-ingressgateway`,
      `Deployment ${NAMESPACE}/${CONTROL_PLANE}`,
      "MutatingWebhookConfiguration /meshwright-default",
      "Namespace /mesh-system",
      `PodDisruptionBudget ${NAMESPACE}/${CONTROL_PLANE}`,
      `Role ${NAMESPACE}/${CONTROL_PLANE}`,
      `RoleBinding ${NAMESPACE}/${CONTROL_PLANE}`,
      `RoleBinding ${NAMESPACE}/${CONTROL_PLANE}-credentials`,
      `RoleBinding ${NAMESPACE}/meshwright-operator`,
      `Secret ${NAMESPACE}/cacerts`,
      `Service ${NAMESPACE}/istio-ingressgateway`,
      `Service ${NAMESPACE}/${CONTROL_PLANE}`,
      `Service ${NAMESPACE}/${DNS_SERVICE}`,
      `ServiceAccount ${NAMESPACE}/istio-ingressgateway`,
      `ServiceAccount ${NAMESPACE}/${CONTROL_PLANE}`,
    ]);
    for (const object of (await world.owned()).values())
      assert.equal(
        object.metadata.ownerReferences,
        undefined,
        "an owner would break the order of removal",
      );
    const webhook = await world.admin.get(KINDS.mutatingWebhookConfiguration, {
      name: "meshwright-default",
    });
    assert.deepEqual(
      webhook?.webhooks?.map(({ name, failurePolicy }) => `${name} ${failurePolicy}`),
      [
        "rev.namespace.injector.meshwright.dev Fail",
        "rev.object.injector.meshwright.dev Fail",
        "namespace.injector.meshwright.dev Fail",
        "object.injector.meshwright.dev Fail",
        "probe.injector.meshwright.dev Fail",
      ],
    );
    await world.admin.list(KINDS.virtualService);
  });

  test("a steady mesh causes no write but the Lease", async () => {
    await world.ready();
    const writes = (): string[] =>
      world.server
        .operatorWrites()
        .map(({ verb, requestURI }) => `${verb} ${requestURI}`)
        .filter((line) => !line.includes("/leases/"));
    await waitFor({ description: "an end of writes", deadlineMs: 10_000 }, async () => {
      const count = writes().length;
      await delay(500);
      return writes().length === count;
    });
    const first = writes();
    assert.ok(first.length > 20, "no writes seen at all: this test would pass by checking nothing");
    // A look at nothing happening, over several renewals of the Lease.
    await delay(4_000);
    assert.deepEqual(writes().slice(first.length), []);
  });

  /** @returns how many milliseconds it took to come back */
  async function deleted(kindName: string, ref: Ref): Promise<number> {
    const kind = Object.values(KINDS).find((one) => one.kind === kindName);
    assert.ok(kind);
    const earlier = await world.admin.get(kind, ref);
    await world.admin.remove(kind, ref);
    const start = performance.now();
    await waitFor(
      { description: `${kindName} ${ref.name} again`, deadlineMs: 10_000, intervalMs: 10 },
      async () => {
        const live = await world.admin.get(kind, ref);
        return live !== undefined && live.metadata.uid !== earlier?.metadata.uid;
      },
    );
    return performance.now() - start;
  }

  test("whatever is deleted is back within a second", async (t) => {
    const owned = [...(await world.owned())].filter(
      ([name]) => !/^(Namespace|CustomResourceDefinition) /.test(name),
    );
    assert.ok(owned.length > 12);
    for (const [name, { kind, metadata }] of owned) {
      const times = await onceWithin(RESTORED_WITHIN_MS, () => deleted(kind, metadata));
      t.diagnostic(`${name}: ${times.join(", ")} ms`);
    }
    await world.ready();
  });

  const edits = [
    { kind: KINDS.deployment, name: CONTROL_PLANE, patch: { spec: { replicas: 7 } } },
    { kind: KINDS.service, name: CONTROL_PLANE, patch: { spec: { selector: { app: "other" } } } },
    { kind: KINDS.configMap, name: CONTROL_PLANE, patch: { data: { "config.json": "{}" } } },
    { kind: KINDS.role, name: CONTROL_PLANE, patch: { rules: [] } },
    { kind: KINDS.secret, name: CACERTS_SECRET, patch: { data: { "ca-key.pem": "" } } },
    {
      kind: KINDS.mutatingWebhookConfiguration,
      name: "meshwright-default",
      patch: { metadata: { labels: { "meshwright.dev/mesh": null } } },
    },
  ] as const;
  for (const { kind, name, patch } of edits)
    test(`an edit of ${kind.kind} ${name} is undone within a second`, async (t) => {
      await world.ready();
      const ref = kind.namespaced ? { namespace: NAMESPACE, name } : { name };
      const content = async (): Promise<string> => {
        const {
          metadata,
          status: _,
          ...rest
        } = (await world.admin.get<never>(kind as never, ref)) ??
        ({} as { metadata: { labels: object }; status: unknown });
        return JSON.stringify([rest, metadata.labels]);
      };
      const wanted = await content();
      const times = await onceWithin(RESTORED_WITHIN_MS, async () => {
        await world.admin.merge<never>(kind as never, ref, patch);
        const start = performance.now();
        await waitFor(
          { description: `${kind.kind} ${name} as it was`, deadlineMs: 10_000, intervalMs: 10 },
          async () => {
            const now = await content();
            if (now === wanted) return true;
            throw new Error(now);
          },
        );
        return performance.now() - start;
      });
      t.diagnostic(`${times.join(", ")} ms`);
    });

  test("what others add to our objects stays", async () => {
    await world.ready();
    const ref = { namespace: NAMESPACE, name: CONTROL_PLANE };
    await world.admin.merge(KINDS.deployment, ref, { metadata: { annotations: { theirs: "1" } } });
    await world.admin.remove(KINDS.configMap, ref);
    await waitFor(
      { description: "the ConfigMap again", deadlineMs: 5_000 },
      async () => (await world.admin.get(KINDS.configMap, ref)) !== undefined,
    );
    const live = await world.admin.get(KINDS.deployment, ref);
    assert.equal(live?.metadata.annotations?.["theirs"], "1");
  });

  test("an edit of the spec is followed, and what is not wanted any more goes", async () => {
    await world.admin.merge(
      KINDS.meshConfig,
      { name: "default" },
      {
        spec: {
          controlPlane: { replicas: 1 },
          gateways: [],
          mesh: { accessLogFile: "/dev/stdout" },
        },
      },
    );
    const mesh = await world.ready();
    assert.deepEqual(mesh.status?.gateways, []);
    const settings = await world.admin.get(KINDS.configMap, {
      namespace: NAMESPACE,
      name: CONTROL_PLANE,
    });
    assert.equal(JSON.parse(settings?.data?.["config.json"] ?? "{}").accessLogFile, "/dev/stdout");
    const names = [...(await world.owned()).keys()];
    assert.deepEqual(
      names.filter((name) => /istio-ingressgateway|Disruption/.test(name)),
      [],
    );
    await world.admin.merge(KINDS.meshConfig, { name: "default" }, { spec: { gateways: null } });
    await world.ready();
  });

  test("of two MeshConfigs the older works, the other says Conflict, and takes over when it may", async () => {
    // Ages are told in seconds.
    await waitFor(
      { description: "another second", deadlineMs: 2_000 },
      async () => Date.now() % 1000 < 200,
    );
    await world.admin.create(meshConfig({}, "second"));
    const refused = await waitFor({ description: "Conflict", deadlineMs: 5_000 }, async () => {
      const accepted = conditionOf(await world.mesh("second"), "Accepted");
      return accepted?.status === "False" && accepted;
    });
    assert.equal(refused.reason, "Conflict");
    assert.match(refused.message, /MeshConfig default/);
    await world.ready();
    assert.equal((await world.owned("second")).size, 0);
    await world.admin.remove(KINDS.meshConfig, { name: "second" });
    await waitFor(
      { description: "end of the second", deadlineMs: 5_000 },
      async () => (await world.mesh("second")) === undefined,
    );
  });

  test("a version that this operator does not have is refused in words, and nothing is touched", async () => {
    await world.admin.merge(KINDS.meshConfig, { name: "default" }, { spec: { version: "9.9.9" } });
    const mesh = await waitFor({ description: "Accepted=False", deadlineMs: 5_000 }, async () => {
      const found = await world.mesh();
      return conditionOf(found, "Accepted")?.status === "False" && found;
    });
    assert.equal(conditionOf(mesh, "Accepted")?.reason, "UnsupportedVersion");
    assert.match(
      conditionOf(mesh, "Stalled")?.message ?? "",
      /spec\.version: this operator installs version 0\.1\.0/,
    );
    await world.admin.merge(KINDS.meshConfig, { name: "default" }, { spec: { version: null } });
    await world.ready();
  });

  test("a value that proxies would refuse is refused in words, and reaches none of them", async () => {
    const name = { name: "default" };
    const format = (accessLogFormat: string | null) => ({ spec: { mesh: { accessLogFormat } } });
    await world.admin.merge(KINDS.meshConfig, name, format("%FOO%"));
    const mesh = await waitFor({ description: "Accepted=False", deadlineMs: 5_000 }, async () => {
      const found = await world.mesh();
      return conditionOf(found, "Accepted")?.status === "False" && found;
    });
    assert.equal(conditionOf(mesh, "Accepted")?.reason, "InvalidSpec");
    assert.match(
      conditionOf(mesh, "Stalled")?.message ?? "",
      /spec\.mesh\.accessLogFormat: "%FOO%" is no command/,
    );
    assert.doesNotMatch(JSON.stringify([...(await world.owned())]), /%FOO%/);
    await world.admin.merge(KINDS.meshConfig, name, format(null));
    await world.ready();
  });

  test("the root survives: either copy restores the other, and a lost root is never replaced", async () => {
    const key = async (ref: typeof MASTER): Promise<string | undefined> =>
      (await world.admin.get(KINDS.secret, ref))?.data?.["ca-key.pem"];
    const root = await key(MASTER);
    assert.ok(root);
    await world.admin.remove(KINDS.secret, MASTER);
    await waitFor(
      { description: "the master from the copy", deadlineMs: 5_000 },
      async () => (await key(MASTER)) === root,
    );
    await world.admin.remove(KINDS.secret, COPY);
    await waitFor(
      { description: "the copy from the master", deadlineMs: 5_000 },
      async () => (await key(COPY)) === root,
    );
    await world.ready();

    await operator.shutdown();
    await world.admin.remove(KINDS.secret, COPY);
    const master = await world.admin.get(KINDS.secret, MASTER);
    assert.ok(master);
    await world.admin.remove(KINDS.secret, MASTER);
    operator = await world.operator();
    await waitFor({ description: "Stalled", deadlineMs: 10_000 }, async () =>
      /the root of mesh default is gone.*\(MESH0403\)$/.test(
        conditionOf(await world.mesh(), "Stalled")?.message ?? "",
      ),
    );
    assert.equal(await key(MASTER), undefined);
    const { apiVersion, kind, data } = master;
    await world.admin.create({ apiVersion, kind, data, metadata: { ...MASTER } } as typeof master);
    await world.ready();
    assert.equal(await key(COPY), root);
  });

  test("a deleted MeshConfig takes everything with it, and the next mesh has the same root", async () => {
    const root = (await world.admin.get(KINDS.secret, MASTER))?.data;
    await world.remove();
    // Definitions that are deleted go when the API server has emptied them.
    await waitFor({ description: "the end of all that was made", deadlineMs: 20_000 }, async () => {
      const left = [...(await world.owned()).keys()];
      if (left.length === 0) return true;
      throw new Error(left.join(", "));
    });
    assert.equal(await world.admin.get(KINDS.namespace, { name: NAMESPACE }), undefined);
    const verbs = world.server
      .operatorWrites()
      .filter(({ verb }) => verb === "delete")
      .map(({ objectRef }) => objectRef?.resource);
    const webhook = verbs.lastIndexOf("mutatingwebhookconfigurations");
    assert.ok(webhook >= 0 && webhook < verbs.lastIndexOf("deployments"), "the webhook goes first");
    await world.admin.create(meshConfig());
    await world.ready();
    assert.deepEqual((await world.admin.get(KINDS.secret, COPY))?.data, root);
  });

  test("definitions with users' objects, and a namespace with users' things, are kept", async () => {
    await world.admin.create({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "reviews", namespace: "default" },
      spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
    });
    await world.admin.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "tls-of-a-user", namespace: NAMESPACE },
    });
    await world.remove();
    const left = [...(await world.owned()).keys()];
    assert.equal(left.filter((name) => name.startsWith("CustomResourceDefinition")).length, 15);
    assert.deepEqual(
      left.filter((name) => !name.startsWith("CustomResourceDefinition")),
      [`Namespace /${NAMESPACE}`],
    );
    const events = await world.admin.list(KINDS.event, { namespace: "default" });
    const kept = events.filter(({ reason }) => reason === "Kept").map(({ message }) => message);
    assert.deepEqual(
      new Set(kept),
      new Set([
        "Namespace mesh-system is kept, as Secret mesh-system/tls-of-a-user is not of the mesh",
        "the definitions of the Istio API are kept, as there are objects like VirtualService default/reviews",
      ]),
    );
  });
});
