/** What a client in a pod was answered, and what its own Envoy counted meanwhile. */
import { type EnvoyAdmin, openAdmin } from "../harness/envoy.ts";
import { type Call, type CallRecord, callFromClient } from "../harness/in-pod.ts";
import { tally } from "../harness/statistics.ts";
import { onePod } from "../harness/workloads.ts";
import type { InnerLab } from "./exercise.ts";

/** The samples' VirtualServices put Envoy's response flags here; `-` is none. */
const FLAGS = "x-response-flags";

export const flagsOf = ({ headers }: CallRecord): string => String(headers[FLAGS] ?? "");

/** `200`, `503 UO`, or what went wrong below HTTP. */
export function outcomeOf(record: CallRecord): string {
  if (record.status === 0) return record.error ?? "no answer";
  const flags = flagsOf(record);
  return flags === "" || flags === "-" ? String(record.status) : `${record.status} ${flags}`;
}

/** How often each outcome came, most frequent first. */
export const outcomes = (records: readonly CallRecord[]): ReadonlyMap<string, number> =>
  tally(records.map(outcomeOf));

export const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, count]) => `${count} × ${what}`).join(", ");

export const send = (
  { cluster, namespace }: InnerLab,
  call: Call,
): Promise<readonly CallRecord[]> => callFromClient(cluster, namespace, call);

/** Runs something with the admin port of the client's Envoy open. */
export async function withClientEnvoy<T>(
  { cluster, namespace }: InnerLab,
  run: (envoy: EnvoyAdmin) => Promise<T>,
): Promise<T> {
  const { metadata } = await onePod(cluster, namespace, "app=client");
  const envoy = await openAdmin(cluster.kubectl, namespace, metadata.name);
  try {
    return await run(envoy);
  } finally {
    envoy.close();
  }
}

/** A statistic of one of the client's clusters, named as in `outbound|8000||httpbin`. */
export function statistic(cluster: string, name: string): string {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return `^cluster\\.${literal(cluster)}\\.${literal(name)}$`;
}

/** By how much each counter grew while `run` ran. */
export async function growth<T>(
  envoy: EnvoyAdmin,
  patterns: readonly string[],
  run: () => Promise<T>,
): Promise<{ readonly value: T; readonly grown: readonly number[] }> {
  const read = (): Promise<number[]> => Promise.all(patterns.map((one) => envoy.total(one)));
  const before = await read();
  const value = await run();
  const after = await read();
  return { value, grown: after.map((count, i) => count - (before[i] ?? 0)) };
}
