/**
 * The model: everything that is derived from objects, from the tables they are put into to the
 * `Mesh` that translators read. Lowering runs as an object arrives; whatever needs several objects
 * is a query, computed for who asks.
 */
import type { Diagnostic } from "../api/diagnostic.ts";
import { type Context, Engine, type Source } from "../store/engine.ts";
import { domainQuery } from "./domain-query.ts";
import { findingsQuery } from "./findings.ts";
import { hostQueries } from "./hosts.ts";
import { type Inputs, inputs, MESH_WIDE } from "./inputs.ts";
import type { Mesh, MeshSettings } from "./ir/mesh.ts";
import type { Onlooker, UnknownTraffic } from "./ir/sidecar.ts";
import { policyFor, subsetNames } from "./merge.ts";
import {
  descriptionQuery,
  gatewayQueries,
  gatewaysFor,
  patchQueries,
  policyQuery,
  routeQueries,
  tlsOriginsQuery,
} from "./queries.ts";
import { endpointsQuery, registryOf, workloadQuery } from "./registry/queries.ts";
import { scopeQueries } from "./scope.ts";
import { standpointQuery } from "./standpoint.ts";

export interface ModelSettings extends MeshSettings {
  /** Where policy for the whole mesh is read from. */
  readonly rootNamespace: string;
}

export interface MeshModel {
  readonly engine: Engine;
  /** Where reflectors put what they see, by kind. */
  readonly sinks: ReturnType<typeof sinksOf>;
  /** The mesh as a query with this context reads it; the engine itself is a context, for one look. */
  readonly mesh: (cx: Context) => Mesh;
  /** What is wrong with objects, in the order of the tables. */
  readonly diagnostics: () => readonly Diagnostic[];
  /** What is wrong with one object (`VirtualService shop/reviews`), alone and among the others. */
  readonly findings: Source<[object: string], readonly Diagnostic[]>;
  /** Times of which the model wants to be told, once they have passed; milliseconds since 1970. */
  readonly times: Source<[], readonly number[]>;
}

export function createMeshModel(settings: ModelSettings): MeshModel {
  const engine = new Engine();
  const from = inputs(engine, settings.clusterDomain, settings.traffic?.exportTo);
  const queries = derive(engine, from, settings);
  const mesh = (cx: Context): Mesh => meshOver(cx, from, queries, settings);
  return {
    engine,
    sinks: sinksOf(from),
    mesh,
    diagnostics: () =>
      [
        from.services,
        from.serviceEntries,
        from.workloadEntries,
        from.virtualServices,
        from.destinationRules,
        from.gateways,
        from.envoyFilters,
        from.sidecars,
      ].flatMap((table) => [...table.entries()].flatMap(([, { diagnostics }]) => diagnostics)),
    findings: findingsQuery(engine, from, mesh),
    times: engine.query((cx) => cx.get(from.times, MESH_WIDE).map(Number)),
  };
}

function sinksOf(from: Inputs) {
  const { services, slices, pods, nodes, secrets, passedTimes } = from;
  const { virtualServices, destinationRules, gateways, sidecars } = from;
  const { serviceEntries, workloadEntries, envoyFilters, refusedVersions } = from;
  return {
    services,
    endpointSlices: slices,
    pods,
    nodes,
    secrets,
    passedTimes,
    virtualServices,
    destinationRules,
    gateways,
    serviceEntries,
    workloadEntries,
    envoyFilters,
    refusedVersions,
    sidecars,
  };
}

function derive(engine: Engine, from: Inputs, settings: ModelSettings) {
  const registry = registryOf(engine, from);
  const scopes = scopeQueries(engine, from, settings.rootNamespace);
  const hosts = hostQueries(engine, from, { scope: scopes.scope, registry });
  return {
    registry,
    ...endpointsQuery(engine, from, { ...settings, registry }),
    workload: workloadQuery(engine, from),
    ...scopes,
    ...hosts,
    ...routeQueries(engine, from, scopes.scope),
    ...gatewayQueries(engine, from),
    standpoint: standpointQuery(engine, from, { ...settings, registry }),
    domains: domainQuery(engine, from, { ...hosts, registry }),
    policies: policyQuery(engine, from, settings, registry),
    tlsOrigins: tlsOriginsQuery(engine, from),
    envoyFilters: patchQueries(engine, from, settings),
    describes: descriptionQuery(engine, from, settings),
  };
}

type Queries = ReturnType<typeof derive>;

function meshOver(cx: Context, from: Inputs, queries: Queries, settings: MeshSettings): Mesh {
  return {
    settings,
    scope: (proxy) => queries.scopeOf(cx, proxy),
    sidecar: (proxy) => queries.sidecarOf(cx, proxy),
    egress: (scope) => cx.get(queries.scope, scope).egress,
    unknownTraffic: (proxy) => unknownTraffic(cx, { from, queries, settings }, proxy),
    hosts: (scope) => cx.get(queries.hosts, scope),
    service: (host, namespace) => queries.registry.service(cx, host, namespace),
    names: (host, namespace) =>
      queries.registry.names(cx, host, namespace).map((name) => name.host),
    endpoints: (host, namespace) => queries.endpoints(cx, host, namespace),
    standpoint: (host, namespace) => queries.standpoint(cx, host, namespace),
    peers: (host, namespace) => queries.peers(cx, host, namespace),
    hostsOnPort: (scope, port) => cx.get(queries.hostsOnPort, scope, port),
    httpPorts: (scope) => cx.get(queries.httpPorts, scope),
    httpHosts: (scope, port) => cx.get(queries.httpHosts, scope, port),
    routesAnyHost: (scope, port) => cx.get(queries.routesAnyHost, scope, port),
    openPorts: (scope) => cx.get(queries.openPorts, scope),
    openHosts: (scope, port) => cx.get(queries.openHosts, scope, port),
    resolvesNames: () => cx.get(from.resolvingRequests, MESH_WIDE).length > 0,
    streamHosts: (scope) => cx.get(queries.streamHosts, scope),
    domains: (host, scope, port) => cx.get(queries.domains, scope, port, host),
    routesFor: (host, scope) => cx.get(queries.routesFor, scope, host),
    streamRoutesFor: (host, scope) => cx.get(queries.streamRoutesFor, scope, host),
    gatewayHosts: (gateway, namespace) => cx.get(queries.gatewayHosts, namespace, gateway),
    gatewayRoutesFor: (gateway, hosts, namespace) =>
      cx.get(queries.gatewayRoutesFor, namespace, gateway, hosts.join(" ")),
    gatewayStreamRoutes: (gateway, namespace) =>
      cx.get(queries.gatewayStreamRoutes, namespace, gateway),
    policy: (host, client) => policyFor(cx.get(queries.policies, client.namespace, host), client),
    tlsOrigins: (namespace) => cx.get(queries.tlsOrigins, namespace),
    subsets: (host, namespace) => subsetNames(cx.get(queries.policies, namespace, host)),
    workload: (key) => cx.get(queries.workload, key),
    credential: (namespace, name) => cx.get(from.secrets, `${namespace}/${name}`)?.credential,
    addressFamilies: () => cx.get(from.addressFamilies, MESH_WIDE),
    gateways: (labels) => gatewaysFor(cx, queries.gatewaysBy, labels),
    envoyFilters: (namespace, aspect) => cx.get(queries.envoyFilters, namespace, aspect),
    envoyFilter: (key) => cx.get(from.envoyFilters, key)?.value?.filter,
    describes: () => cx.get(queries.describes, MESH_WIDE),
    isRefused: (version) => cx.get(from.refusedVersions, version) ?? false,
  };
}

/** As long as no Sidecar has a say in it, nobody is asked who they are. */
function unknownTraffic(
  cx: Context,
  {
    from,
    queries,
    settings,
  }: { readonly from: Inputs; readonly queries: Queries; readonly settings: MeshSettings },
  proxy: Onlooker,
): UnknownTraffic {
  const hasAny = cx.get(from.sidecarsWithPolicy, MESH_WIDE).length > 0;
  const own = hasAny ? queries.sidecarOf(cx, proxy)?.unknown : undefined;
  if (own?.kind === "proxy") {
    const { namespace } = proxy;
    return { ...own, host: cx.get(queries.hostOf, namespace, own.host) ?? own.host };
  }
  return own ?? { kind: settings.outboundTrafficPolicy === "ALLOW_ANY" ? "allow" : "block" };
}
