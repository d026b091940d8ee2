/** A pod that asks for names of the mesh, on a cluster: kubelet's resolv.conf, the cluster's own DNS. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openMesh, ownNamespace, suiteEnd } from "../../harness/case.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { diagnose } from "../../harness/diagnose.ts";
import { fetchFromClient, reachable } from "../../harness/in-pod.ts";
import { CLIENT, deploy, HTTPBIN } from "../../harness/samples.ts";
import { waitFor } from "../../harness/wait.ts";
import { rolledOut } from "../../harness/workloads.ts";

const NAMESPACE = "e2e-dns";
const HOST = "inventory.internal";
const CAPTURED = {
  spec: { template: { metadata: { annotations: { "meshwright.dev/dns-capture": "true" } } } },
};

const ENTRY = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: inventory }
spec:
  hosts: [${HOST}]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 8000 }]
  workloadSelector: { labels: { app: httpbin } }
`;

const LOOK_UP = `require("node:dns").promises.lookup(process.argv[1], { all: true }).then(
  (all) => console.log(all.map(({ address }) => address).join(" ")), ({ code }) => console.log(code))`;

describe("names of the mesh in pods", () => {
  const end = suiteEnd();
  let cluster: Cluster;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    await cluster.kubectl.applyText(ENTRY, NAMESPACE);
    await deploy(cluster, NAMESPACE, [CLIENT, HTTPBIN]);
    const patch = JSON.stringify(CAPTURED);
    await cluster.kubectl.run(["patch", "deploy/client", `--namespace=${NAMESPACE}`, "-p", patch]);
    await rolledOut(cluster, NAMESPACE);
  });

  after(() => cluster?.api.close());

  const lookUp = async (name: string): Promise<string> => {
    const target = { namespace: NAMESPACE, workload: "deploy/client", container: "client" };
    return (await cluster.kubectl.exec(target, ["node", "-e", LOOK_UP, name])).trim();
  };

  const found = (name: string, pattern: RegExp): Promise<boolean> =>
    waitFor(
      {
        description: `${name} found at ${String(pattern)}`,
        deadlineMs: 30_000,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      async () => pattern.test(await lookUp(name)),
    );

  test("a host of a ServiceEntry is found where its sidecar listens, and reached by its name", async () => {
    await found(HOST, /^240\.240\.\d+\.\d+( |$)/);
    const url = `http://${HOST}/headers`;
    await reachable(cluster, NAMESPACE, { url });
    assert.equal((await fetchFromClient(cluster, NAMESPACE, { url })).status, 200);
  });

  test("Services and names that there are not are as before, and the name goes with its object", async () => {
    assert.match(await lookUp("httpbin"), /^[\d.]+$/);
    assert.match(await lookUp("kubernetes.default.svc"), /^[\d.]+$/);
    assert.equal(await lookUp("nobody.cluster.local"), "ENOTFOUND");
    await cluster.kubectl.run(["delete", "serviceentry/inventory", `--namespace=${NAMESPACE}`]);
    await found(HOST, /^(ENOTFOUND|EAI_AGAIN)$/);
  });
});
