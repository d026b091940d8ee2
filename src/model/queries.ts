/** Everything that is derived from more than one object. */
import type { Context, Engine, Source } from "../store/engine.ts";
import { union } from "../store/sorted.ts";
import { coveringQuery } from "./covering.ts";
import { mayReadDescriptions } from "./descriptions.ts";
import { fullRoutes } from "./full-routes.ts";
import { type Inputs, lookUp, MESH_WIDE } from "./inputs.ts";
import type { FilterSelection } from "./ir/envoy-filter.ts";
import type { Gateway } from "./ir/listener.ts";
import type { MeshSettings } from "./ir/mesh.ts";
import type { HttpRoutes, StreamRoutes } from "./ir/route.ts";
import { originsOf } from "./ir/tls-origin.ts";
import type { DestinationPolicies, TlsOrigin } from "./ir/traffic.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import type { EnvoyFilterModel } from "./istio/envoy-filter.ts";
import type { GatewayModel } from "./istio/gateway.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { inTurn, policiesOf } from "./merge.ts";
import { byAge } from "./origin.ts";
import type { Registry } from "./registry/queries.ts";
import { type ScopeQuery, seesRoutes } from "./scope.ts";
import { labelBuckets, selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";

export interface QuerySettings {
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

export function routeQueries(engine: Engine, from: Inputs, scopes: ScopeQuery) {
  const covered = (index: Source<[string], readonly string[]>) => ({
    index,
    covering: coveringQuery(engine, index),
  });
  const http = covered(from.meshRoutes);
  const streams = covered(from.meshStreams);
  /** Who routes a pattern of hosts for sidecars of a scope, by the index that holds such objects. */
  const routing = (
    cx: Context,
    index: Source<[string], readonly string[]>,
    [id, pattern]: readonly [string, string],
  ): readonly VirtualService[] => {
    const scope = cx.get(scopes, id);
    const candidates = lookUp(cx, from.virtualServices, cx.get(index, pattern));
    return inTurn(
      candidates.filter((of) => seesRoutes(scope, of)),
      scope.namespace,
    );
  };
  return {
    routesFor: engine.query((cx, scope: string, host: string): readonly HttpRoutes[] => {
      for (const pattern of http.covering(cx, host)) {
        const [winner] = routing(cx, http.index, [scope, pattern]);
        if (winner !== undefined) return [fullRoutes(cx, from, winner)];
      }
      return [];
    }),
    streamRoutesFor: engine.query((cx, scope: string, host: string): readonly StreamRoutes[] => {
      const all = streams
        .covering(cx, host)
        .flatMap((pattern) => routing(cx, streams.index, [scope, pattern]));
      return [...new Set(all)].map((of) => of.streams);
    }),
  };
}

/** Routing bound to gateways, as far as pods in `namespace` may see it, and which gateways there are. */
export function gatewayQueries(engine: Engine, from: Inputs) {
  const oldestFirst = (
    cx: Context,
    keys: readonly string[],
    namespace: string,
  ): readonly VirtualService[] =>
    lookUp(cx, from.virtualServices, keys)
      .filter((of) => isVisible(of, namespace))
      .toSorted(byAge);
  return {
    gatewayHosts: engine.query((cx, namespace: string, gateway: string): readonly string[] =>
      union(["*", namespace].map((to) => cx.get(from.gatewayHosts, `${to} ${gateway}`))),
    ),
    /** @param hosts with spaces between them */
    gatewayRoutesFor: engine.query((cx, namespace: string, gateway: string, hosts: string) => {
      const buckets = hosts.split(" ").map((host) => `${gateway} ${host}`);
      const keys = union(buckets.map((bucket) => cx.get(from.gatewayRoutesFor, bucket)));
      return oldestFirst(cx, keys, namespace).map((of) => fullRoutes(cx, from, of));
    }),
    gatewayStreamRoutes: engine.query((cx, namespace: string, gateway: string) =>
      oldestFirst(cx, cx.get(from.gatewayRoutes, gateway), namespace)
        .map((of) => of.streams)
        .filter(({ tls, tcp }) => tls.length + tcp.length > 0),
    ),
    gatewaysBy: engine.query((cx, bucket: string): readonly GatewayModel[] =>
      lookUp(cx, from.gateways, cx.get(from.gatewaysSelecting, bucket)),
    ),
  };
}

const NO_POLICIES: DestinationPolicies = { selective: [] };

export function policyQuery(
  engine: Engine,
  from: Inputs,
  { rootNamespace }: QuerySettings,
  registry: Registry,
) {
  const covering = coveringQuery(engine, from.policyOwners);
  /** The policies that one namespace's rules give a host or pattern, for clients in another. */
  const policiesIn = (
    cx: Context,
    { owner, holds }: Shelf,
    pattern: string,
    client: string,
  ): DestinationPolicies =>
    policiesOf(
      lookUp(cx, from.destinationRules, cx.get(from.policiesIn, `${owner} ${pattern}`)).filter(
        // Only clients of its own namespace can be meant by their labels.
        (rule) => holds(rule) && isVisible(rule, client) && (!rule.clients || owner === client),
      ),
    );
  return engine.query((cx, client: string, host: string): DestinationPolicies => {
    const patterns = covering(cx, host);
    if (patterns.length === 0) return NO_POLICIES;
    const owner = registry.service(cx, host, client)?.namespace ?? client;
    const selective: DestinationPolicies["selective"][number][] = [];
    for (const shelf of shelvesFor(client, owner, rootNamespace))
      for (const pattern of patterns) {
        const found = policiesIn(cx, shelf, pattern, client);
        selective.push(...found.selective);
        if (found.general !== undefined) return { selective, general: found.general };
      }
    return { selective };
  });
}

/** Rules of a namespace that are looked at together. */
interface Shelf {
  readonly owner: string;
  readonly holds: (rule: DestinationRule) => boolean;
}

/**
 * The client's namespace, the service's, the root. What the root says to the whole mesh comes last
 * for its own clients, too: gateways often run there.
 */
function shelvesFor(client: string, owner: string, root: string): readonly Shelf[] {
  const isShared = (rule: DestinationRule): boolean => !isPrivate(rule);
  if (client !== root)
    return [...new Set([client, owner, root])].map((one) => ({ owner: one, holds: () => true }));
  const shared = [...new Set([owner, root])].map((one) => ({ owner: one, holds: isShared }));
  return [{ owner: root, holds: isPrivate }, ...shared];
}

/** Whether only clients of its own namespace can follow it. */
const isPrivate = ({ clients, exportTo, namespace }: DestinationRule): boolean =>
  clients !== undefined || exportTo.every((to) => to === namespace);

/** By namespace: what it may see, whether it has the hosts or not. */
export function tlsOriginsQuery(engine: Engine, from: Inputs) {
  return engine.query((cx, namespace: string): readonly TlsOrigin[] => {
    const keys = ["*", namespace].flatMap((to) => cx.get(from.originatingPolicies, to));
    return lookUp(cx, from.destinationRules, keys).flatMap(({ policy }) => originsOf(policy));
  });
}

/** Those of the gateways filed under a pod's labels that select the pod, the oldest first. */
export function gatewaysFor(
  cx: Context,
  gatewaysBy: Source<[string], readonly GatewayModel[]>,
  labels: Readonly<Record<string, string>>,
): readonly Gateway[] {
  return labelBuckets(labels)
    .flatMap((bucket) => cx.get(gatewaysBy, bucket))
    .filter(({ gateway: { selector } }) => selects(selector, labels))
    .sort(byAge)
    .map(({ gateway }) => gateway);
}

/** Which filters there are for an aspect, in the order in which they apply; by `namespace`, `aspect`. */
export function patchQueries(engine: Engine, from: Inputs, { rootNamespace }: QuerySettings) {
  return engine.query((cx, namespace: string, aspect: string): readonly FilterSelection[] => {
    const everywhere = cx.get(from.envoyFiltersIn, `${rootNamespace} ${aspect}`);
    const here =
      namespace === rootNamespace ? [] : cx.get(from.envoyFiltersIn, `${namespace} ${aspect}`);
    const rank = (one: EnvoyFilterModel): number => Number(one.namespace !== rootNamespace);
    return lookUp(cx, from.envoyFilters, [...everywhere, ...here])
      .toSorted((a, b) => a.priority - b.priority || rank(a) - rank(b) || byAge(a, b))
      .map(({ filter: { key, selectors } }) => ({ key, selectors }));
  });
}

/** Whether anything in the mesh's settings or in any EnvoyFilter may read descriptions. */
export function descriptionQuery(
  engine: Engine,
  from: Inputs,
  { traffic }: Pick<MeshSettings, "traffic">,
): Source<[scope: string], boolean> {
  const always = mayReadDescriptions(traffic?.accessLog);
  return engine.query(
    (cx, _scope: string) => always || cx.get(from.describingFilters, MESH_WIDE).length > 0,
  );
}
