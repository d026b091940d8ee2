/**
 * A gRPC library without a sidecar, in a pod. The programs are those of the checkout, which the node
 * of a local cluster sees: this runs when it is asked for, and nowhere else.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inside } from "../../cluster/layout.ts";
import { openMesh, ownNamespace, suiteEnd } from "../../harness/case.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { diagnose } from "../../harness/diagnose.ts";
import { sampleImage } from "../../harness/environment.ts";
import { agrees } from "../../harness/statistics.ts";
import { waitFor } from "../../harness/wait.ts";
import { onePod, rolledOut } from "../../harness/workloads.ts";

const NAMESPACE = "e2e-grpc";
const HOST = `versions.${NAMESPACE}.svc.cluster.local`;
const APP = "/checkout/e2e/integration/grpc-app.ts";
const CALLS = 1_000;

interface Role {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

const deployment = (name: string, { labels, annotations = {}, args }: Role) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations },
      spec: {
        containers: [
          {
            name: "app",
            image: sampleImage,
            command: ["node"],
            args,
            volumeMounts: [{ name: "checkout", mountPath: "/checkout", readOnly: true }],
          },
        ],
        volumes: [{ name: "checkout", hostPath: { path: inside.checkout, type: "Directory" } }],
      },
    },
  },
});

const server = (version: string) =>
  deployment(`versions-${version}`, {
    labels: { app: "versions", version },
    args: [APP, "serve", JSON.stringify({ "0.0.0.0": version })],
  });

const client = deployment("client", {
  labels: { app: "client" },
  annotations: { "inject.istio.io/templates": "grpc-agent" },
  args: ["-e", "setInterval(() => {}, 1e6)"],
});

const routing = (weights: Readonly<Record<string, number>>): string => `
apiVersion: v1
kind: Service
metadata: { name: versions }
spec: { selector: { app: versions }, ports: [{ name: grpc, port: 9080 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: versions }
spec:
  host: ${HOST}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: versions }
spec:
  hosts: [${HOST}]
  http:
    - route: ${JSON.stringify(
      Object.entries(weights).map(([subset, weight]) => ({
        destination: { host: HOST, subset },
        weight,
      })),
    )}
`;

type Counts = Readonly<Record<string, number>>;

describe("a gRPC library in a pod without a sidecar", () => {
  const end = suiteEnd();
  let cluster: Cluster;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    await cluster.kubectl.applyText(routing({ v1: 80, v2: 20 }), NAMESPACE);
    for (const one of [server("v1"), server("v2"), client])
      await cluster.kubectl.applyText(JSON.stringify(one), NAMESPACE);
    await rolledOut(cluster, NAMESPACE);
  });

  after(() => cluster?.api.close());

  /** A client of its own each time, which learns its routing anew. */
  async function call(times: number): Promise<Counts> {
    const program = ["node", APP, "call", `xds:///${HOST}:9080`];
    const exec = ["exec", "-i", "-n", NAMESPACE, "deploy/client", "-c", "app", "--", ...program];
    return JSON.parse(await cluster.kubectl.run(exec, `${times}\n`)) as Counts;
  }

  const answers = (description: string, want: (counts: Counts) => boolean): Promise<boolean> =>
    waitFor(
      { description, deadlineMs: 60_000, diagnose: () => diagnose(cluster, [NAMESPACE]) },
      async () => {
        const counts = await call(20);
        if (want(counts)) return true;
        throw new Error(JSON.stringify(counts));
      },
    );

  test("it has Envoy for its configuration alone: nothing is captured", async () => {
    const { spec } = await onePod(cluster, NAMESPACE, "app=client");
    const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    assert.deepEqual(names.map(({ name }) => name).sort(), ["app", "istio-proxy"]);
  });

  test("it splits calls as the VirtualService says, and follows an edit", async () => {
    await answers("answers of both versions", ({ v1 = 0, v2 = 0 }) => v1 + v2 === 20);
    const { v1 = 0, v2 = 0, ...others } = await call(CALLS);
    assert.deepEqual(others, {});
    assert.ok(agrees(v2, CALLS, 0.2), `${v1} of v1 and ${v2} of v2`);

    await cluster.kubectl.applyText(routing({ v1: 0, v2: 100 }), NAMESPACE);
    await answers("answers of v2 alone", (counts) => counts["v2"] === 20);
    assert.deepEqual(await call(CALLS), { v2: CALLS });
  });
});
