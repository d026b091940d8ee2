/**
 * The model: everything that is derived from objects, from the tables they are put into to the
 * `Mesh` that translators read. Lowering runs as an object arrives; whatever needs several objects
 * is a query, computed for who asks.
 */
import type { Diagnostic } from "../api/diagnostic.ts";
import { type Context, Engine, type Source } from "../store/engine.ts";
import { findingsQuery } from "./findings.ts";
import { type Inputs, inputs, MESH_WIDE } from "./inputs.ts";
import type { Mesh, MeshSettings } from "./ir/mesh.ts";
import { policyFor, subsetNames } from "./merge.ts";
import {
  domainQuery,
  gatewaysFor,
  hostQueries,
  patchQueries,
  policyQuery,
  routeQueries,
} from "./queries.ts";
import { endpointsQuery, registryOf, workloadQuery } from "./registry/queries.ts";

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
}

export function createMeshModel(settings: ModelSettings): MeshModel {
  const engine = new Engine();
  const from = inputs(engine, settings.clusterDomain);
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
      ].flatMap((table) => [...table.entries()].flatMap(([, { diagnostics }]) => diagnostics)),
    findings: findingsQuery(engine, from, mesh),
  };
}

function sinksOf(from: Inputs) {
  const { services, slices, pods, nodes, secrets } = from;
  const { virtualServices, destinationRules, gateways, serviceEntries, workloadEntries } = from;
  const { envoyFilters, refusedVersions } = from;
  return {
    services,
    endpointSlices: slices,
    pods,
    nodes,
    secrets,
    virtualServices,
    destinationRules,
    gateways,
    serviceEntries,
    workloadEntries,
    envoyFilters,
    refusedVersions,
  };
}

function derive(engine: Engine, from: Inputs, settings: ModelSettings) {
  const registry = registryOf(engine, from);
  return {
    registry,
    endpoints: endpointsQuery(engine, from, { ...settings, registry }),
    workload: workloadQuery(engine, from),
    ...hostQueries(engine, from, registry),
    ...routeQueries(engine, from),
    domains: domainQuery(engine, from, registry),
    policies: policyQuery(engine, from, settings, registry),
    envoyFilters: patchQueries(engine, from, settings),
  };
}

function meshOver(
  cx: Context,
  from: Inputs,
  queries: ReturnType<typeof derive>,
  settings: MeshSettings,
): Mesh {
  return {
    settings,
    hosts: (namespace) => cx.get(queries.hosts, namespace),
    service: (host, namespace) => queries.registry.service(cx, host, namespace),
    endpoints: (host, namespace) => queries.endpoints(cx, host, namespace),
    httpPorts: (namespace) => cx.get(queries.httpPorts, namespace),
    httpHosts: (namespace, port) => cx.get(queries.httpHosts, namespace, port),
    openPorts: (namespace) => cx.get(queries.openPorts, namespace),
    openHosts: (namespace, port) => cx.get(queries.openHosts, namespace, port),
    resolvesNames: () => cx.get(from.resolvingRequests, MESH_WIDE).length > 0,
    streamHosts: (namespace) => cx.get(queries.streamHosts, namespace),
    domains: (host, namespace, port) => cx.get(queries.domains, namespace, port, host),
    routesFor: (host, namespace) => cx.get(queries.routesFor, namespace, host),
    streamRoutesFor: (host, namespace) => cx.get(queries.streamRoutesFor, namespace, host),
    gatewayRoutes: (gateway) => cx.get(queries.gatewayRoutes, gateway),
    gatewayHosts: (gateway) => cx.get(from.gatewayHosts, gateway),
    gatewayRoutesFor: (gateway, host) => cx.get(queries.gatewayRoutesFor, gateway, host),
    gatewayStreamRoutes: (gateway) => cx.get(queries.gatewayStreamRoutes, gateway),
    policy: (host, client) => policyFor(cx.get(queries.policies, client.namespace, host), client),
    subsets: (host, namespace) => subsetNames(cx.get(queries.policies, namespace, host)),
    workload: (key) => cx.get(queries.workload, key),
    credential: (namespace, name) => cx.get(from.secrets, `${namespace}/${name}`),
    addressFamilies: () => cx.get(from.addressFamilies, MESH_WIDE),
    gateways: (labels) => gatewaysFor(cx, queries.gatewaysBy, labels),
    envoyFilters: (namespace, aspect) => cx.get(queries.envoyFilters, namespace, aspect),
    envoyFilter: (key) => cx.get(from.envoyFilters, key)?.value?.filter,
    isRefused: (version) => cx.get(from.refusedVersions, version) ?? false,
  };
}
