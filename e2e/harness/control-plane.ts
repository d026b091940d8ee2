/** The replicas of the control plane: what they say of themselves, and their violent end. */
import { CONTROL_PLANE, CONTROL_PLANE_NAMESPACE, PORTS } from "../../src/api/names.ts";
import { mergePatch } from "./api.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { meshPath, meshReady } from "./mesh.ts";
import { waitFor } from "./wait.ts";
import { isReady, livingPods, type Pod, rolledOut } from "./workloads.ts";

const CONNECTED_MS = 120_000;
const RETURNED_MS = 90_000;
const PODS = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/pods`;

/** What `/debug/syncz` says of one proxy, as far as it matters to tests. */
interface Sync {
  readonly proxy: string;
  readonly types: Readonly<Record<string, { readonly synced: boolean }>>;
}

export const replicas = (cluster: Cluster): Promise<readonly Pod[]> =>
  livingPods(cluster, CONTROL_PLANE_NAMESPACE, `app=${CONTROL_PLANE}`);

/** Ends replicas without time to part from anybody, and returns when others are Ready in their place. */
export async function replace(cluster: Cluster, victims: readonly Pod[]): Promise<void> {
  const count = (await replicas(cluster)).length;
  const gone = new Set(victims.map(({ metadata }) => metadata.name));
  await Promise.all([...gone].map((name) => kill(cluster, name)));
  await waitFor(
    {
      description: `${count} Ready replicas of the control plane without ${[...gone].join(", ")}`,
      deadlineMs: RETURNED_MS,
      diagnose: () => diagnose(cluster),
    },
    async () => {
      const ready = (await replicas(cluster)).filter(isReady);
      return ready.filter(({ metadata }) => !gone.has(metadata.name)).length === count;
    },
  );
}

async function kill({ api }: Cluster, name: string): Promise<void> {
  const now = { type: "application/json", body: JSON.stringify({ gracePeriodSeconds: 0 }) };
  const { status, body } = await api.send("DELETE", `${PODS}/${name}`, now);
  if (status !== 200) throw new Error(`${name} was not deleted: ${status} ${JSON.stringify(body)}`);
}

/** Has the operator run so many replicas, and returns when it does. */
export async function scale(cluster: Cluster, count: number): Promise<void> {
  const patch = mergePatch({ spec: { controlPlane: { replicas: count } } });
  const { status, body } = await cluster.api.send("PATCH", meshPath(), patch);
  if (status !== 200) throw new Error(`${count} replicas: ${status} ${JSON.stringify(body)}`);
  await meshReady(cluster);
  await rolledOut(cluster, CONTROL_PLANE_NAMESPACE);
}

async function page<T>({ api }: Cluster, replica: Pod, path: string): Promise<T | undefined> {
  const at = `${PODS}/${replica.metadata.name}:${PORTS.monitoring}/proxy${path}`;
  const { status, body } = await api.send<T>("GET", at);
  return status === 200 ? body : undefined;
}

/** Waits until every pod of a namespace is at a replica and has what it should have. */
export async function allSynced(cluster: Cluster, namespace: string): Promise<void> {
  const pods = await livingPods(cluster, namespace);
  const wanted = pods.map(({ metadata }) => `${namespace}/${metadata.name}`);
  await waitFor(
    {
      description: `connection of all ${wanted.length} sidecars of ${namespace}`,
      deadlineMs: CONNECTED_MS,
      intervalMs: 250,
      diagnose: () => diagnose(cluster, [namespace]),
    },
    async () => {
      const synced = await syncedProxies(cluster);
      const missing = wanted.filter((proxy) => !synced.has(proxy));
      if (missing.length > 0) throw new Error(`${missing.length} are not, as ${missing[0]}`);
      return true;
    },
  );
}

async function syncedProxies(cluster: Cluster): Promise<ReadonlySet<string>> {
  const found = await Promise.all((await replicas(cluster)).map((one) => syncedAt(cluster, one)));
  return new Set(found.flatMap((proxies) => [...proxies]));
}

/** The proxies that a replica says are connected to it and have all they should. */
export async function syncedAt(cluster: Cluster, replica: Pod): Promise<ReadonlySet<string>> {
  const syncs = (await page<readonly Sync[]>(cluster, replica, "/debug/syncz")) ?? [];
  const synced = syncs.filter(({ types }) => Object.values(types).every((type) => type.synced));
  return new Set(synced.map(({ proxy }) => proxy));
}

/** Bytes that the replicas have sent since they started, by type of resource. */
export async function sentBytes(cluster: Cluster): Promise<Readonly<Record<string, number>>> {
  const pages = await Promise.all(
    (await replicas(cluster)).map((one) => page<string>(cluster, one, "/metrics")),
  );
  const sums: Record<string, number> = {};
  for (const [, type = "", bytes] of pages.join("\n").matchAll(SENT))
    sums[type] = (sums[type] ?? 0) + Number(bytes);
  return sums;
}

const SENT = /^meshwright_ads_sent_bytes_total\{type="(\w+)"\} (\d+)$/gm;
