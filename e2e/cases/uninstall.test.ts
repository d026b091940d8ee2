/** Runs last, as it takes the mesh away and brings it back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CACERTS_SECRET,
  CONTROL_PLANE,
  CONTROL_PLANE_NAMESPACE,
  OPERATOR,
  OPERATOR_NAMESPACE,
} from "../../src/api/names.ts";
import { openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { fetchFromClient, reachable } from "../harness/in-pod.ts";
import { INGRESS } from "../harness/ingress.ts";
import {
  MESH_MANIFEST,
  MESH_NAME,
  type MeshConfig,
  meshPath,
  meshReady,
  removeMesh,
} from "../harness/mesh.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";
import { pods } from "../harness/workloads.ts";

const NAMESPACE = "e2e-uninstall";
const CALL = { url: `http://httpbin.${NAMESPACE}:8000/get` };

/** At which points of an install its operator is killed: when the last of a step has just been made. */
const KILL_AT = [
  `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}`,
  `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/secrets/${CACERTS_SECRET}`,
  `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments/${CONTROL_PLANE}`,
  `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments/${INGRESS}`,
];

/** Half of it is a Lease that an operator which was killed still holds. */
const INSTALL_MS = 240_000;

describe("removal and a new install", () => {
  const end = suiteEnd();
  let cluster: Cluster;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    await deploy(cluster, NAMESPACE, [HTTPBIN, CLIENT]);
    await reachable(cluster, NAMESPACE, CALL);
  });

  after(() => cluster?.api.close());

  /** Everything of the mesh that exists, of whatever kind, but for what is about to go by itself. */
  async function owned(): Promise<string[]> {
    const listable = await cluster.kubectl.run(["api-resources", "--verbs=list", "-o=name"]);
    const kinds = listable
      .trim()
      .split("\n")
      .filter((kind) => !kind.startsWith("events"));
    const output = await cluster.kubectl.run([
      "get",
      kinds.join(","),
      "-A",
      `-l=meshwright.dev/mesh=${MESH_NAME}`,
      "-o=name",
      "--ignore-not-found",
    ]);
    return output.split("\n").filter((line) => line !== "");
  }

  test("a deleted MeshConfig takes all of the mesh with it, and the finalizer does not hang", async () => {
    await removeMesh(cluster);
    await waitFor(
      {
        description: "cluster without an object of the mesh",
        deadlineMs: 60_000,
        intervalMs: 500,
        diagnose: () => diagnose(cluster),
      },
      async () => {
        const left = (await owned()).filter((name) => !name.startsWith("customresourcedefinition"));
        assert.deepEqual(left, []);
        return true;
      },
    );
    assert.equal(await cluster.api.get(`/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}`), undefined);
  });

  test("without a mesh, sidecars go on serving and new pods start without one", async () => {
    await fetchFromClient(cluster, NAMESPACE, CALL);
    await cluster.kubectl.run(["rollout", "restart", "deploy/client", "-n", NAMESPACE]);
    await cluster.kubectl.run([
      "rollout",
      "status",
      "deploy/client",
      "-n",
      NAMESPACE,
      "--timeout=60s",
    ]);
    const living = (await pods(cluster, NAMESPACE, "app=client")).filter(
      ({ metadata }) => !metadata.deletionTimestamp,
    );
    assert.deepEqual(
      living.flatMap(({ spec }) => spec?.initContainers ?? []),
      [],
    );
    await fetchFromClient(cluster, NAMESPACE, CALL);
  });

  test("an operator that is killed during an install finishes it when it is back", async (t) => {
    await cluster.kubectl.apply(MESH_MANIFEST);
    for (const path of KILL_AT) {
      await waitFor(
        {
          description: `${path}, made by the install`,
          deadlineMs: INSTALL_MS,
          intervalMs: 20,
          diagnose: () => diagnose(cluster),
        },
        async () => (await cluster.api.get(path)) !== undefined,
      );
      const mesh = await cluster.api.get<MeshConfig>(meshPath());
      t.diagnostic(`killed at ${path}: ${mesh?.status?.message ?? "no status yet"}`);
      await cluster.kubectl.run([
        "delete",
        "pod",
        "-n",
        OPERATOR_NAMESPACE,
        "-l",
        `app=${OPERATOR}`,
        "--grace-period=0",
        "--force",
      ]);
    }
    await meshReady(cluster, INSTALL_MS);
  });

  test("sidecars of the old mesh trust the new one: the root outlived it", async () => {
    await cluster.kubectl.run(["rollout", "restart", "deploy/client", "-n", NAMESPACE]);
    await cluster.kubectl.run([
      "rollout",
      "status",
      "deploy/client",
      "-n",
      NAMESPACE,
      "--timeout=60s",
    ]);
    await reachable(cluster, NAMESPACE, CALL);
    const { body } = await fetchFromClient(cluster, NAMESPACE, {
      ...CALL,
      url: `http://httpbin.${NAMESPACE}:8000/headers`,
    });
    assert.match(body, new RegExp(`URI=spiffe://cluster\\.local/ns/${NAMESPACE}/sa/client`));
  });
});
