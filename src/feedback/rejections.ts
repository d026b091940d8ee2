/** What proxies do not take, by the object it is made from. */
import { equal } from "../store/equal.ts";
import type { Rejected } from "./conditions.ts";

/** One resource that one proxy does not take as it is now. */
export interface Refusal {
  /** `namespace/name`. */
  readonly proxy: string;
  /** Objects it is made from: `VirtualService shop/reviews`. */
  readonly sources: readonly string[];
  /** Type and name. */
  readonly resource: string;
  /** Envoy's words. */
  readonly message: string;
  /** Field of the object with the patch without which the proxy has the resource instead. */
  readonly without?: string;
}

/** Every object of which proxies reject something. */
export function bySource(refusals: readonly Refusal[]): ReadonlyMap<string, Rejected> {
  const pairs = refusals.flatMap((refusal) =>
    refusal.sources.map((source) => ({ source, refusal })),
  );
  return new Map(
    [...Map.groupBy(pairs, ({ source }) => source)].map(([source, all]) => [
      source,
      summary(all.map(({ refusal }) => refusal)),
    ]),
  );
}

/** The example is the first by name, so that it stays the same while it is one. */
function summary(refusals: readonly Refusal[]): Rejected {
  const [first] = refusals.toSorted(
    (a, b) => compare(a.proxy, b.proxy) || compare(a.resource, b.resource),
  );
  return {
    proxies: new Set(refusals.map(({ proxy }) => proxy)).size,
    example: first?.proxy ?? "",
    resource: first?.resource ?? "",
    message: first?.message ?? "",
    ...(first?.without !== undefined && { without: first.without }),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** The objects of which `after` says something else than `before`. */
export function changedSources(
  before: ReadonlyMap<string, Rejected>,
  after: ReadonlyMap<string, Rejected>,
): readonly string[] {
  const all = new Set([...before.keys(), ...after.keys()]);
  return [...all].filter((source) => !equal(before.get(source), after.get(source)));
}
