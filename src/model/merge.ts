/** Which of several objects for one host counts. */
import type { DestinationPolicy, Subset } from "./ir/traffic.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { byAge, type Origin } from "./origin.ts";
import { isVisible } from "./visibility.ts";

/**
 * Routes never mix for sidecars: one VirtualService has a host, the one that is exported least
 * widely, then the oldest.
 */
export function winningRoutes(
  candidates: readonly VirtualService[],
  namespace: string,
): VirtualService | undefined {
  const [winner] = candidates
    .filter((candidate) => isVisible(candidate, namespace))
    .sort((a, b) => reach(a, namespace) - reach(b, namespace) || byAge(a, b));
  return winner;
}

function reach({ exportTo, namespace }: Origin, viewer: string): number {
  if (exportTo.includes("*")) return 2;
  return namespace === viewer ? 0 : 1;
}

/**
 * DestinationRules for one host and from one namespace are one: the oldest one's policy, and the
 * subsets of all, of which the first with a name counts.
 */
export function mergedPolicy(rules: readonly DestinationRule[]): DestinationPolicy | undefined {
  const [oldest, ...younger] = rules.toSorted(byAge).map(({ policy }) => policy);
  if (oldest === undefined || younger.length === 0) return oldest;
  const subsets = new Map<string, Subset>();
  for (const rule of [oldest, ...younger])
    for (const subset of rule.subsets)
      if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  return { ...oldest, subsets: [...subsets.values()] };
}
