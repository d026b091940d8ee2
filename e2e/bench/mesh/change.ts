/** From `kubectl apply` of a VirtualService to the traffic of the last of many sidecars. */
import { stringify } from "yaml";
import { mergePatch } from "../../harness/api.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { CLIENT, createNamespace, deploy, HTTPBIN, INJECTED } from "../../harness/samples.ts";
import { pods, rolledOut } from "../../harness/workloads.ts";
import { type Findings, median, ms, percentile } from "../report.ts";
import { type HeaderWatch, watchHeader } from "./watch-header.ts";

export const NAMESPACE = "bench-change";
const SIDECARS = 20;
const CHANGES = 11;
/** Between a client's answer and its next request: so much later it may see a change. */
const PAUSE_MS = 50;
const GOAL_MS = 1_000;
const HEADER = "x-mark";

const virtualService = (mark: string): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "httpbin" },
  spec: {
    hosts: ["httpbin"],
    http: [
      {
        headers: { response: { set: { [HEADER]: mark } } },
        route: [{ destination: { host: "httpbin" } }],
      },
    ],
  },
});

export async function prepare({ kubectl, ...cluster }: Cluster): Promise<void> {
  const whole = { kubectl, ...cluster };
  await createNamespace(whole, { name: NAMESPACE, labels: INJECTED });
  await deploy(whole, NAMESPACE, [CLIENT, HTTPBIN]);
  await kubectl.applyText(stringify(virtualService("0")), NAMESPACE);
  await kubectl.run(["scale", "deployment/client", `--replicas=${SIDECARS}`, "-n", NAMESPACE]);
  await rolledOut(whole, NAMESPACE, 240_000);
}

async function edit({ api }: Cluster, mark: string): Promise<void> {
  const path = `/apis/networking.istio.io/v1/namespaces/${NAMESPACE}/virtualservices/httpbin`;
  const { http } = (virtualService(mark) as { spec: { http: unknown } }).spec;
  const { status, body } = await api.send("PATCH", path, mergePatch({ spec: { http } }));
  if (status !== 200) throw new Error(`the edit was refused: ${status} ${JSON.stringify(body)}`);
}

/** The first edit is told by itself: it finds caches empty. */
export async function change(cluster: Cluster): Promise<Findings> {
  const names = (await pods(cluster, NAMESPACE, "app=client")).map(({ metadata }) => metadata.name);
  if (names.length !== SIDECARS) throw new Error(`${names.length} clients instead of ${SIDECARS}`);
  const clients: HeaderWatch[] = [];
  const last: number[] = [];
  const middle: number[] = [];
  try {
    const watch = {
      namespace: NAMESPACE,
      url: "http://httpbin:8000/",
      header: HEADER,
      pauseMs: PAUSE_MS,
    };
    // One after the other: twenty shells that start at once keep each other waiting.
    for (const pod of names) clients.push(await watchHeader(cluster, { ...watch, pod }));
    for (let i = 1; i <= CHANGES; i += 1) {
      const start = performance.now();
      await edit(cluster, String(i));
      const arrivals = await Promise.all(clients.map((client) => client.until(String(i))));
      last.push(Math.max(...arrivals) - start);
      middle.push(median(arrivals) - start);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
  const [first = Number.NaN, ...others] = last;
  return {
    text: [
      `A VirtualService edit until traffic of ${SIDECARS} sidecars follows (${CHANGES} edits; each sidecar is asked every ${PAUSE_MS} ms)`,
      "",
      `last sidecar: median ${ms(median(others))}, worst ${ms(percentile(others, 1))}, the first edit ${ms(first)}`,
      `middle sidecar: median ${ms(median(middle.slice(1)))}`,
    ].join("\n"),
    goals: [
      {
        what: `a VirtualService edit to the last of ${SIDECARS} sidecars' traffic, median`,
        measured: median(others),
        most: GOAL_MS,
        show: ms,
      },
    ],
  };
}
