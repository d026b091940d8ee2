/** Everything that is derived from more than one object. */
import type { Context, Engine, Source } from "../store/engine.ts";
import { withDelegates } from "./delegation.ts";
import { aliases } from "./domains.ts";
import { patternsFor } from "./host.ts";
import { type Inputs, lookUp } from "./inputs.ts";
import type { FilterSelection } from "./ir/envoy-filter.ts";
import type { Gateway } from "./ir/listener.ts";
import type { HttpRoutes, StreamRoutes } from "./ir/route.ts";
import type { DestinationPolicies } from "./ir/traffic.ts";
import type { EnvoyFilterModel } from "./istio/envoy-filter.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { policiesOf, winningRoutes } from "./merge.ts";
import { byAge } from "./origin.ts";
import type { Registry } from "./registry/queries.ts";
import { labelBuckets, selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";

export interface QuerySettings {
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

/** HTTP to hosts without a service is routed on this port alone, as Istio does. */
const UNKNOWN_HOST_PORT = 80;

/** Members of indexes of exports, for one namespace. */
function exported(
  cx: Context,
  indexes: readonly Source<[string], readonly string[]>[],
  namespace: string,
  suffix = "",
): readonly string[] {
  const lists = indexes
    .flatMap((index) => [cx.get(index, `*${suffix}`), cx.get(index, namespace + suffix)])
    .filter((list) => list.length > 0);
  const [only = [], ...others] = lists;
  return others.length === 0 ? only : [...new Set(lists.flat())].sort();
}

export function hostQueries(engine: Engine, from: Inputs, registry: Registry) {
  const { serviceExports: kube, entryExports: entries } = from;
  const hosts = engine.query((cx, namespace: string) =>
    exported(cx, [kube.hosts, entries.hosts], namespace),
  );
  const streamHosts = engine.query((cx, namespace: string) =>
    exported(cx, [kube.streamHosts, entries.streamHosts], namespace),
  );
  /** Hosts that sidecars route although no service has them. */
  const unknownHosts = engine.query((cx, namespace: string) =>
    exported(cx, [from.routedHostsExportedTo], namespace).filter(
      (host) => !registry.isKnown(cx, host),
    ),
  );
  const httpPorts = engine.query((cx, namespace: string): readonly number[] => {
    const known = exported(cx, [kube.httpPorts, entries.httpPorts], namespace);
    const ports = new Set(known.map(Number));
    if (cx.get(unknownHosts, namespace).length > 0) ports.add(UNKNOWN_HOST_PORT);
    return [...ports].sort((a, b) => a - b);
  });
  const httpHosts = engine.query((cx, namespace: string, port: number) => {
    const known = exported(cx, [kube.httpHosts, entries.httpHosts], namespace, ` ${port}`);
    const unknown = port === UNKNOWN_HOST_PORT ? cx.get(unknownHosts, namespace) : [];
    return unknown.length === 0 ? known : [...new Set([...known, ...unknown])].sort();
  });
  const openPorts = engine.query((cx, namespace: string): readonly number[] =>
    exported(cx, [entries.openPorts], namespace)
      .map(Number)
      .sort((a, b) => a - b),
  );
  const openHosts = engine.query((cx, namespace: string, port: number) =>
    exported(cx, [entries.openHosts], namespace, ` ${port}`),
  );
  return { hosts, streamHosts, httpPorts, httpHosts, openPorts, openHosts };
}

/** A name that is a host in its own right, or another host's address, is no alias. */
export function domainQuery(engine: Engine, from: Inputs, registry: Registry) {
  const ownerOf = (cx: Context, address: string): string | undefined =>
    cx.get(from.serviceExports.byAddress, address)[0] ??
    cx.get(from.entryExports.byAddress, address)[0];
  const isFree = (cx: Context, name: string, host: string, port: number): boolean =>
    !registry.isKnown(cx, name) &&
    (port !== UNKNOWN_HOST_PORT || cx.get(from.meshRoutes, name).length === 0) &&
    (ownerOf(cx, name) ?? host) === host;
  return engine.query((cx, namespace: string, port: number, host: string): readonly string[] => {
    const found = registry.service(cx, host, namespace);
    if (found === undefined) return [host];
    return [host, ...aliases(found, namespace).filter((name) => isFree(cx, name, host, port))];
  });
}

/** An object's routing, with the rules that it leaves to others. */
function fullRoutes(cx: Context, from: Inputs, object: VirtualService): HttpRoutes {
  const { routes, delegations, namespace } = object;
  if (delegations.length === 0) return routes;
  const rules = withDelegates(routes.rules, delegations, (key) => {
    const delegate = cx.get(from.virtualServices, key)?.value;
    return delegate && isVisible(delegate, namespace) ? delegate.routes.rules : undefined;
  });
  return { ...routes, rules };
}

export function routeQueries(engine: Engine, from: Inputs) {
  /** The object that routes a host for sidecars, by the index that holds such objects. */
  const winnerFor = (
    cx: Context,
    index: Source<[string], readonly string[]>,
    [namespace, host]: readonly [string, string],
  ): VirtualService | undefined => {
    for (const pattern of patternsFor(host)) {
      const candidates = lookUp(cx, from.virtualServices, cx.get(index, pattern));
      const winner = winningRoutes(candidates, namespace);
      if (winner !== undefined) return winner;
    }
    return undefined;
  };
  const oldestFirst = (cx: Context, keys: readonly string[]): readonly VirtualService[] =>
    lookUp(cx, from.virtualServices, keys).toSorted(byAge);
  return {
    routesFor: engine.query((cx, namespace: string, host: string): readonly HttpRoutes[] => {
      const winner = winnerFor(cx, from.meshRoutes, [namespace, host]);
      return winner === undefined ? [] : [fullRoutes(cx, from, winner)];
    }),
    streamRoutesFor: engine.query(
      (cx, namespace: string, host: string): StreamRoutes | undefined =>
        winnerFor(cx, from.meshStreams, [namespace, host])?.streams,
    ),
    gatewayRoutes: engine.query((cx, gateway: string) =>
      oldestFirst(cx, cx.get(from.gatewayRoutes, gateway)).map((of) => fullRoutes(cx, from, of)),
    ),
    gatewayRoutesFor: engine.query((cx, gateway: string, host: string) =>
      oldestFirst(cx, cx.get(from.gatewayRoutesFor, `${gateway} ${host}`)).map((of) =>
        fullRoutes(cx, from, of),
      ),
    ),
    gatewayStreamRoutes: engine.query((cx, gateway: string) =>
      oldestFirst(cx, cx.get(from.gatewayRoutes, gateway))
        .map(({ streams }) => streams)
        .filter(({ tls, tcp }) => tls.length + tcp.length > 0),
    ),
    gatewaysBy: engine.query((cx, bucket: string): readonly Gateway[] =>
      lookUp(cx, from.gateways, cx.get(from.gatewaysSelecting, bucket)).map((of) => of.gateway),
    ),
  };
}

export function policyQuery(
  engine: Engine,
  from: Inputs,
  { rootNamespace }: QuerySettings,
  registry: Registry,
) {
  /** The policies that one namespace's rules give a host or pattern, for clients in another. */
  const policiesIn = (
    cx: Context,
    owner: string,
    pattern: string,
    client: string,
  ): DestinationPolicies =>
    policiesOf(
      lookUp(cx, from.destinationRules, cx.get(from.policiesIn, `${owner} ${pattern}`)).filter(
        // Only clients of its own namespace can be meant by their labels.
        (rule) => isVisible(rule, client) && (rule.clients === undefined || owner === client),
      ),
    );
  return engine.query((cx, client: string, host: string): DestinationPolicies => {
    const owners = new Set([
      client,
      registry.service(cx, host, client)?.namespace ?? client,
      rootNamespace,
    ]);
    const selective: DestinationPolicies["selective"][number][] = [];
    for (const owner of owners)
      for (const pattern of patternsFor(host)) {
        const found = policiesIn(cx, owner, pattern, client);
        selective.push(...found.selective);
        if (found.general !== undefined) return { selective, general: found.general };
      }
    return { selective };
  });
}

/** Those of the gateways filed under a pod's labels that select the pod. */
export function gatewaysFor(
  cx: Context,
  gatewaysBy: Source<[string], readonly Gateway[]>,
  labels: Readonly<Record<string, string>>,
): readonly Gateway[] {
  return labelBuckets(labels)
    .flatMap((bucket) => cx.get(gatewaysBy, bucket))
    .filter(({ selector }) => selects(selector, labels))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
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
