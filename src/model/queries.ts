/** Everything that is derived from more than one object. */
import type { Context, Engine, Source } from "../store/engine.ts";
import { withDelegates } from "./delegation.ts";
import { aliases } from "./domains.ts";
import { endpointsOf } from "./endpoints.ts";
import { patternsFor } from "./host.ts";
import type { Inputs } from "./inputs.ts";
import type { Gateway } from "./ir/listener.ts";
import type { HttpRoutes, StreamRoutes } from "./ir/route.ts";
import type { Endpoint, Workload } from "./ir/service.ts";
import type { DestinationPolicies } from "./ir/traffic.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import type { KubeService } from "./kube.ts";
import { policiesOf, winningRoutes } from "./merge.ts";
import { byAge } from "./origin.ts";
import { labelBuckets, selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";
import { workloadOf } from "./workload.ts";

export interface QuerySettings {
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

/** HTTP to hosts without a service is routed on this port alone, as Istio does. */
const UNKNOWN_HOST_PORT = 80;

/** The values behind keys, where they have one. */
function lookUp<V>(
  cx: Context,
  table: Source<[string], { readonly value: V | undefined } | undefined>,
  keys: readonly string[],
): readonly V[] {
  return keys.flatMap((key) => cx.get(table, key)?.value ?? []);
}

/** Members of an index of exports, for one namespace. */
function exported(
  cx: Context,
  index: Source<[string], readonly string[]>,
  namespace: string,
  suffix = "",
): readonly string[] {
  const everywhere = cx.get(index, `*${suffix}`);
  const here = cx.get(index, namespace + suffix);
  return here.length === 0 ? everywhere : [...new Set([...everywhere, ...here])].sort();
}

export function serviceQueries(engine: Engine, from: Inputs, settings: QuerySettings) {
  const service = engine.query((cx, host: string): KubeService | undefined => {
    const [key] = cx.get(from.servicesByHost, host);
    return key === undefined ? undefined : cx.get(from.services, key)?.value;
  });
  const endpoints = engine.query((cx, host: string): readonly Endpoint[] => {
    const found = cx.get(service, host);
    if (found === undefined) return [];
    const slices = cx.get(from.slicesOf, `${found.namespace}/${found.name}`);
    return endpointsOf(
      found,
      slices.flatMap((key) => cx.get(from.slices, key) ?? []),
      {
        trustDomain: settings.trustDomain,
        pod: (key) => cx.get(from.pods, key),
        locality: (node) => cx.get(from.nodes, node),
      },
    );
  });
  const workload = engine.query((cx, key: string): Workload | undefined => {
    const pod = cx.get(from.pods, key);
    if (pod === undefined) return undefined;
    const candidates = labelBuckets(pod.labels).flatMap((bucket) =>
      lookUp(cx, from.services, cx.get(from.servicesSelecting, `${pod.namespace} ${bucket}`)),
    );
    return workloadOf(
      pod,
      candidates.filter(({ selector = {} }) => selects(selector, pod.labels)),
    );
  });
  return { service, endpoints, workload };
}

export function hostQueries(engine: Engine, from: Inputs) {
  const hosts = engine.query((cx, namespace: string) =>
    exported(cx, from.hostsExportedTo, namespace),
  );
  const streamHosts = engine.query((cx, namespace: string) =>
    exported(cx, from.streamHostsExportedTo, namespace),
  );
  /** Hosts that sidecars route although no service has them. */
  const unknownHosts = engine.query((cx, namespace: string) =>
    exported(cx, from.routedHostsExportedTo, namespace).filter(
      (host) => cx.get(from.servicesByHost, host).length === 0,
    ),
  );
  const httpPorts = engine.query((cx, namespace: string): readonly number[] => {
    const ports = new Set(exported(cx, from.httpPortsExportedTo, namespace).map(Number));
    if (cx.get(unknownHosts, namespace).length > 0) ports.add(UNKNOWN_HOST_PORT);
    return [...ports].sort((a, b) => a - b);
  });
  const httpHosts = engine.query((cx, namespace: string, port: number) => {
    const known = exported(cx, from.httpHostsExportedTo, namespace, ` ${port}`);
    const unknown = port === UNKNOWN_HOST_PORT ? cx.get(unknownHosts, namespace) : [];
    return unknown.length === 0 ? known : [...new Set([...known, ...unknown])].sort();
  });
  return { hosts, streamHosts, httpPorts, httpHosts };
}

/** A name that is a host in its own right, or another host's address, is no alias. */
export function domainQuery(
  engine: Engine,
  from: Inputs,
  service: Source<[string], KubeService | undefined>,
) {
  const isFree = (cx: Context, name: string, host: string, port: number): boolean =>
    cx.get(from.servicesByHost, name).length === 0 &&
    (port !== UNKNOWN_HOST_PORT || cx.get(from.meshRoutes, name).length === 0) &&
    (cx.get(from.hostsByAddress, name)[0] ?? host) === host;
  return engine.query((cx, namespace: string, port: number, host: string): readonly string[] => {
    const found = cx.get(service, host);
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
  service: Source<[string], KubeService | undefined>,
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
    const owners = new Set([client, cx.get(service, host)?.namespace ?? client, rootNamespace]);
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
