/** Traffic that leaves the mesh by an egress gateway, with the manifests of docs/egress.md as they are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { CONTROL_PLANE_NAMESPACE } from "../../src/api/names.ts";
import { mergePatch } from "../harness/api.ts";
import { openMesh, ownNamespace } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { checkout, sampleImage } from "../harness/environment.ts";
import { fetchFromClient } from "../harness/in-pod.ts";
import { type MeshConfig, meshPath, meshReady } from "../harness/mesh.ts";
import { CLIENT, deploy } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";
import { onePod, pods, rolledOut } from "../harness/workloads.ts";

const MANIFESTS = join(checkout, "manifests/samples/egress");
const EGRESS = "istio-egressgateway";

/** Says who has come to it. */
const SERVER = `require("node:http")
  .createServer((request, response) => response.end(request.socket.remoteAddress.replace("::ffff:", "")))
  .listen(80, "0.0.0.0")`;

/** A host that the mesh does not know: a pod without Service, in a namespace without sidecars. */
const outside = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "outside" },
  spec: {
    selector: { matchLabels: { app: "outside" } },
    template: {
      metadata: { labels: { app: "outside" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "app",
            image: sampleImage,
            command: ["node", "-e", SERVER],
            // For the port that the manifests have.
            securityContext: { runAsUser: 0 },
            readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
};

interface Gateways {
  readonly gateways?: readonly { readonly name: string }[];
}

async function setGateways(cluster: Cluster, gateways: unknown): Promise<void> {
  const patch = mergePatch({ spec: { gateways } });
  const { status, body } = await cluster.api.send("PATCH", meshPath(), patch);
  assert.equal(status, 200, JSON.stringify(body));
  await meshReady(cluster);
}

test("what a sidecar sends to a host outside leaves the mesh by the egress gateway", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const inside = await ownNamespace(t, cluster, { name: "e2e-egress" });
  const elsewhere = await ownNamespace(t, cluster, { name: "e2e-egress-outside", labels: {} });
  const mesh = (await cluster.api.get<MeshConfig>(meshPath()))?.spec as Gateways | undefined;
  const earlier = mesh?.gateways ?? [];
  t.after(() => setGateways(cluster, earlier));
  const sample = parse(readFileSync(join(MANIFESTS, "mesh.yaml"), "utf8")) as { spec: Gateways };
  const added = sample.spec.gateways?.filter(({ name }) => name === EGRESS) ?? [];
  assert.equal(added.length, 1);
  await Promise.all([
    setGateways(cluster, [...earlier, ...added]),
    deploy(cluster, inside, [CLIENT]),
    cluster.kubectl
      .applyText(JSON.stringify(outside), elsewhere)
      .then(() => rolledOut(cluster, elsewhere)),
  ]);
  const addressOf = async (namespace: string, label: string): Promise<string> =>
    (await onePod(cluster, namespace, label)).status?.podIP ?? "";
  const ip = await addressOf(elsewhere, "app=outside");
  const host = `${ip.replaceAll(/[.:]/g, "-")}.${elsewhere}.pod.cluster.local`;
  const client = await addressOf(inside, "app=client");

  /** Waits until the server outside says that it was one of these who came. */
  const comesFrom = (want: () => Promise<readonly string[]>): Promise<boolean> =>
    waitFor(
      {
        description: `requests to ${host} from where they should come`,
        deadlineMs: 60_000,
        diagnose: () => diagnose(cluster, [inside, elsewhere]),
      },
      async () => {
        const { body } = await fetchFromClient(cluster, inside, { url: `http://${host}/` });
        assert.ok((await want()).includes(body), `it came from ${body}`);
        return true;
      },
    );
  await comesFrom(() => Promise.resolve([client]));

  const manifest = readFileSync(join(MANIFESTS, "http.yaml"), "utf8");
  await cluster.kubectl.applyText(manifest.replaceAll("edition.example.com", host), inside);
  await comesFrom(async () =>
    (await pods(cluster, CONTROL_PLANE_NAMESPACE, `app=${EGRESS}`)).map(
      ({ status }) => status?.podIP ?? "",
    ),
  );
});
