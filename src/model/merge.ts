/** Which of several objects for one host counts. */
import { defined } from "../util/defined.ts";
import type { Client } from "./ir/mesh.ts";
import type { DestinationPolicies, DestinationPolicy, Subset } from "./ir/traffic.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { byAge } from "./origin.ts";
import { isVisible, reach } from "./visibility.ts";

/** Those that the namespace sees: what is exported least widely first, then the oldest. */
export const inTurn = (
  candidates: readonly VirtualService[],
  namespace: string,
): readonly VirtualService[] =>
  candidates
    .filter((candidate) => isVisible(candidate, namespace))
    .sort((a, b) => reach(a, namespace) - reach(b, namespace) || byAge(a, b));

/** HTTP rules never mix for sidecars: those of one VirtualService count for a host. */
export const winningRoutes = (
  candidates: readonly VirtualService[],
  namespace: string,
): VirtualService | undefined => inTurn(candidates, namespace)[0];

/**
 * DestinationRules for one host and from one namespace are one if they are exported alike: the
 * policy of the oldest that has any, and the subsets of all, of which the first with a name counts.
 * Those exported otherwise than the oldest do not mix with it.
 */
export function mergedPolicy(rules: readonly DestinationRule[]): DestinationPolicy | undefined {
  const [oldest, ...younger] = rules.toSorted(byAge);
  if (oldest === undefined) return undefined;
  const others = younger.filter(({ exportTo }) => sameExports(exportTo, oldest.exportTo));
  if (others.length === 0) return oldest.policy;
  const all = [oldest, ...others].map(({ policy }) => policy);
  const subsets = new Map<string, Subset>();
  for (const rule of all)
    for (const subset of rule.subsets)
      if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  return {
    ...oldest.policy,
    ...defined({ policy: all.find(({ policy }) => policy !== undefined)?.policy }),
    subsets: [...subsets.values()],
  };
}

const sameExports = (a: readonly string[], b: readonly string[]): boolean =>
  new Set(a).symmetricDifference(new Set(b)).size === 0;

/** The same for each set of clients that rules name, and for those that name none. */
export function policiesOf(rules: readonly DestinationRule[]): DestinationPolicies {
  const bySelector = Map.groupBy(rules, ({ clients }) => clients && canonical(clients));
  const selective = [...bySelector].flatMap(([selector, group]) => {
    const [{ clients } = {}] = group;
    const policy = mergedPolicy(group);
    return selector === undefined || clients === undefined || policy === undefined
      ? []
      : [{ clients, policy, oldest: group.toSorted(byAge)[0] }];
  });
  return {
    selective: selective
      .sort((a, b) => (a.oldest && b.oldest ? byAge(a.oldest, b.oldest) : 0))
      .map(({ clients, policy }) => ({ clients, policy })),
    ...defined({ general: mergedPolicy(bySelector.get(undefined) ?? []) }),
  };
}

const canonical = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The policy for one client: by its labels, as far as any rule asks for them. */
export function policyFor(
  { selective, general }: DestinationPolicies,
  client: Client,
): DestinationPolicy | undefined {
  const selected = selective.find(({ clients }) =>
    Object.entries(clients).every(([name, value]) => client.labels[name] === value),
  );
  return selected?.policy ?? general;
}

/** Of all subsets that any client may have. */
export const subsetNames = ({ selective, general }: DestinationPolicies): readonly string[] => {
  const policies = [...selective.map(({ policy }) => policy), ...(general ? [general] : [])];
  return [...new Set(policies.flatMap(({ subsets }) => subsets.map(({ name }) => name)))];
};
