/**
 * The delivery gate: which of the resources that a proxy lacks may go out now. A virtual host,
 * route configuration or listener goes out when the clusters it names are warm at that proxy; until
 * then the proxy keeps what it has. A cluster goes when nothing at the proxy names it any more.
 * What names a cluster that does not exist waits for a grace period and then goes out as it is; so,
 * for a shorter one, does what would move traffic from endpoints to a cluster that has none yet.
 */
import type { EncodedResource } from "../xds/resource.ts";
import type { Deviation, Held } from "./held.ts";

/** How long a resource waits for clusters that do not exist, and a cluster for those that name it. */
export const GRACE_MS = 60_000;

/** How long a resource waits for the first endpoint of clusters that have none. */
export const ENDPOINTS_GRACE_MS = 10_000;

/** What is known of the clusters at one proxy. */
export interface Clusters {
  /** The proxy can send traffic to it now. */
  warm(cluster: string): boolean;
  /** It exists in the scope, so it will be warm soon. */
  coming(cluster: string): boolean;
  /** It has no endpoint now. */
  empty(cluster: string): boolean;
}

/** Names that are held back, with the time (ms) since when; kept until they have gone out. */
export type Waiting = ReadonlyMap<string, number>;

export interface Delivery {
  readonly ready: readonly EncodedResource[];
  readonly removed: readonly string[];
  readonly waiting: Waiting;
  /** When to look again (ms), if nothing happens before. */
  readonly dueAt: number;
}

/** Whether `next` may replace what the proxy holds without sending traffic to nowhere. */
export function admits(next: EncodedResource, { held, asked }: Deviation, at: Clusters): boolean {
  return next.clusters.every(
    (cluster) =>
      at.warm(cluster) ||
      // The proxy sends traffic there already: waiting would not help.
      held?.clusters?.includes(cluster) ||
      // A proxy that has nothing is better served with what there is.
      (asked && !at.coming(cluster)),
  );
}

/** Whether hosts that a proxy has none of may go out to it together. */
export const admitsAll = (clusters: readonly string[], at: Clusters | undefined): boolean =>
  at === undefined || clusters.every((cluster) => at.warm(cluster) || !at.coming(cluster));

/** How long hosts wait for those that others were sent with them, before each goes for itself. */
const PATIENCE_MS = 1_000;

export class Patience {
  #since: number | undefined;

  /** When it ends (ms), if it has begun. */
  get dueAt(): number {
    return (this.#since ?? Number.POSITIVE_INFINITY) + PATIENCE_MS;
  }

  judge(mayGo: boolean, now: number): "go" | "wait" | "over" {
    if (mayGo || now >= this.dueAt) this.#since = undefined;
    else this.#since ??= now;
    if (mayGo) return "go";
    return this.#since === undefined ? "over" : "wait";
  }
}

/** Whether `next` would move all traffic of a route from where it is served to where nobody is. */
function strands(next: EncodedResource, { held, asked }: Deviation, at: Clusters): boolean {
  if (asked || held === undefined) return false;
  const isServed = held.clusters === undefined || held.clusters.some((one) => !at.empty(one));
  return isServed && next.clusters.some((one) => at.empty(one) && !held.clusters?.includes(one));
}

/** How long `next` may have to wait in all (ms); 0: it goes out now. */
function grace(next: EncodedResource, deviation: Deviation, at: Clusters | undefined): number {
  if (at === undefined) return 0;
  if (!admits(next, deviation, at)) return GRACE_MS;
  return strands(next, deviation, at) ? ENDPOINTS_GRACE_MS : 0;
}

/** Splits what a proxy lacks into what may go out now and what waits. */
export function deliver(
  deviations: ReadonlyMap<string, Deviation>,
  target: ReadonlyMap<string, EncodedResource>,
  gate: {
    readonly clusters: Clusters | undefined;
    readonly waiting: Waiting;
    readonly now: number;
  },
): Delivery {
  const ready: EncodedResource[] = [];
  const removed: string[] = [];
  const waiting = new Map<string, number>();
  let dueAt = Number.POSITIVE_INFINITY;
  for (const [name, deviation] of deviations) {
    const next = target.get(name);
    if (next === undefined) {
      removed.push(name);
      continue;
    }
    const graceMs = grace(next, deviation, gate.clusters);
    if (graceMs === 0) {
      ready.push(next);
      continue;
    }
    const since = gate.waiting.get(name) ?? gate.now;
    waiting.set(name, since);
    if (gate.now - since >= graceMs) ready.push(next);
    else dueAt = Math.min(dueAt, since + graceMs);
  }
  return { ready, removed, waiting, dueAt };
}

/** Which clusters something at the proxy still names. */
export interface Uses {
  /** By what it has, or may still have until it accepts what was sent. */
  readonly held: (cluster: string) => boolean;
  /** By what it should have: the cluster is gone, its users are not. */
  readonly wanted: (cluster: string) => boolean;
}

/** Of the clusters that are gone from the scope, those that may go from the proxy now. */
export function release(
  gone: readonly string[],
  uses: Uses,
  { waiting, now }: { readonly waiting: Waiting; readonly now: number },
): Omit<Delivery, "ready"> {
  const removed: string[] = [];
  const still = new Map<string, number>();
  let dueAt = Number.POSITIVE_INFINITY;
  for (const cluster of gone) {
    const since = waiting.get(cluster) ?? now;
    const isHeld = uses.held(cluster);
    const isWanted = now - since < GRACE_MS && uses.wanted(cluster);
    still.set(cluster, since);
    if (!isHeld && !isWanted) removed.push(cluster);
    // Only time ends the wait for what is wanted; what is held ends with the client's next answer.
    if (isWanted) dueAt = Math.min(dueAt, since + GRACE_MS);
  }
  return { removed, waiting: still, dueAt };
}

/** Who among `resources` names a cluster; one that reconnected with unknown content may name any. */
export function naming(resources: Iterable<Held | undefined>): (cluster: string) => boolean {
  const named = new Set<string>();
  for (const held of resources) {
    if (held === undefined) continue;
    if (held.clusters === undefined) return () => true;
    for (const cluster of held.clusters) named.add(cluster);
  }
  return (cluster) => named.has(cluster);
}
