/**
 * Most hosts look the same from nearly everywhere. What is made of a host as one namespace sees it can
 * then serve for others, too.
 */
import type { Context, Engine } from "../store/engine.ts";
import { coveringQuery } from "./covering.ts";
import { type Inputs, lookUp } from "./inputs.ts";
import type { TrafficPolicy } from "./ir/traffic.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import type { Registry } from "./registry/queries.ts";

/** How a host is seen, unless a namespace has reasons to see it otherwise. */
interface Common {
  /** The namespace of its service. */
  readonly owner: string;
  /** Namespaces with policies of their own for it. */
  readonly others: readonly string[];
}

/** @returns by host and namespace, a namespace from which service, endpoints and policies look the same */
export function standpointQuery(
  engine: Engine,
  from: Inputs,
  { rootNamespace, registry }: { readonly rootNamespace: string; readonly registry: Registry },
) {
  const covering = coveringQuery(engine, from.policyOwners);
  const common = engine.query((cx, host: string): Common | undefined => {
    const [claim, ...others] = registry.claims(cx, host);
    if (claim === undefined || others.length > 0 || !claim.exportTo.includes("*")) return undefined;
    // What it stands for not all may see.
    if (claim.service.standsFor !== undefined) return undefined;
    const owner = claim.namespace;
    const patterns = covering(cx, host);
    const rules = patterns.flatMap((pattern) =>
      [owner, rootNamespace].flatMap((namespace) =>
        lookUp(cx, from.destinationRules, cx.get(from.policiesIn, `${namespace} ${pattern}`)),
      ),
    );
    if (!rules.every(isForAll)) return undefined;
    return { owner, others: patterns.flatMap((pattern) => cx.get(from.policyOwners, pattern)) };
  });
  return (cx: Context, host: string, namespace: string): string => {
    const found = cx.get(common, host);
    return found === undefined || found.others.includes(namespace) ? namespace : found.owner;
  };
}

/** Whether it means the same to every client; a secret is that of the client's namespace. */
const isForAll = ({ exportTo, clients, policy: { policy, subsets } }: DestinationRule): boolean =>
  exportTo.includes("*") &&
  clients === undefined &&
  [policy, ...subsets.map((subset) => subset.policy)].every(namesNoSecret);

const namesNoSecret = (policy: TrafficPolicy | undefined): boolean =>
  [policy, ...Object.values(policy?.ports ?? {})].every(
    (one) => typeof one?.tls !== "object" || !("credential" in one.tls),
  );
