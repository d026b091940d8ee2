/** What one and two sidecars add to a request, against the same application without, in one run. */
import type { Cluster } from "../../harness/cluster.ts";
import { type Call, callFromClient } from "../../harness/in-pod.ts";
import { CLIENT, createNamespace, deploy, HTTPBIN, INJECTED } from "../../harness/samples.ts";
import { type Findings, ms, percentile, type Row, table } from "../report.ts";

const MESHED = "bench-meshed";
const PLAIN = "bench-plain";
export const NAMESPACES: readonly string[] = [MESHED, PLAIN];

const LOAD: Omit<Call, "url"> = { count: 1_500, concurrency: 8, perSecond: 150 };
const ROUNDS = 3;

interface Path {
  readonly title: string;
  readonly from: string;
  readonly to: string;
}

const PATHS: readonly Path[] = [
  { title: "no sidecar", from: PLAIN, to: PLAIN },
  { title: "one sidecar (the callee's)", from: PLAIN, to: MESHED },
  { title: "two sidecars, mutual TLS", from: MESHED, to: MESHED },
];

/** Both applications twice, in the mesh and beside it. */
export async function prepare(cluster: Cluster): Promise<void> {
  await createNamespace(cluster, { name: MESHED, labels: INJECTED });
  await createNamespace(cluster, { name: PLAIN, labels: {} });
  for (const namespace of NAMESPACES) await deploy(cluster, namespace, [CLIENT, HTTPBIN]);
}

async function round(cluster: Cluster, { from, to }: Path): Promise<number[]> {
  const url = `http://httpbin.${to}.svc.cluster.local:8000/`;
  const records = await callFromClient(cluster, from, { ...LOAD, url });
  const failed = records.find(({ status }) => status !== 200);
  if (failed !== undefined)
    throw new Error(`${url} from ${from} answered ${failed.status} ${failed.error ?? ""}`);
  return records.map((record) => record.ms);
}

/** Rounds of all paths by turns, so that noise of the machine falls on each alike. */
export async function latency(cluster: Cluster): Promise<Findings> {
  const samples = new Map<Path, number[]>(PATHS.map((path) => [path, []]));
  for (const path of PATHS) await round(cluster, path);
  for (let i = 0; i < ROUNDS; i += 1)
    for (const [path, values] of samples) values.push(...(await round(cluster, path)));
  const [base] = [...samples.values()];
  const rows = [...samples].map(([{ title }, values]): Row => {
    const columns = [0.5, 0.9, 0.99].map((share) => {
      const value = percentile(values, share);
      const added = value - percentile(base ?? values, share);
      return values === base ? ms(value) : `${ms(value)} (+${ms(added)})`;
    });
    return [title, ...columns];
  });
  const head = `Latency at ${LOAD.perSecond} requests/s, ${ROUNDS} × ${LOAD.count} requests each`;
  return { text: `${head}\n\n${table(["path", "p50", "p90", "p99"], rows)}`, goals: [] };
}
