/** The tables of objects, lowered one by one as they arrive, and how they are found again. */
import { Report } from "../api/codes.ts";
import type { Lowered } from "../api/diagnostic.ts";
import type { DestinationRuleSpec } from "../api/gen/destination-rule.ts";
import type { EnvoyFilterSpec } from "../api/gen/envoy-filter.ts";
import type { GatewaySpec } from "../api/gen/gateway.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import type { VirtualServiceSpec } from "../api/gen/virtual-service.ts";
import type { Live, ServiceEntry, WorkloadEntry } from "../api/kinds.ts";
import { type KubeObject, objectKey, objectName } from "../api/object.ts";
import type { Context, Engine, Source } from "../store/engine.ts";
import { Table } from "../store/table.ts";
import { lowerCredential } from "./credential.ts";
import { addressDomain } from "./domains.ts";
import type { Service } from "./ir/service.ts";
import { lowerDestinationRule } from "./istio/destination-rule.ts";
import { lowerEnvoyFilter } from "./istio/envoy-filter.ts";
import { lowerGateway } from "./istio/gateway.ts";
import { MESH_GATEWAY } from "./istio/gateway-key.ts";
import { lowerServiceEntry } from "./istio/service-entry.ts";
import { lowerVirtualService, type VirtualService } from "./istio/virtual-service.ts";
import { lowerWorkloadEntry } from "./istio/workload-entry.ts";
import { lowerEndpointSlice, lowerNode, lowerPod, lowerService } from "./kube.ts";
import { isHttp } from "./port-protocol.ts";
import { labelBuckets, selectorBucket } from "./selector.ts";

/** The one bucket of an index over all there is. */
export const MESH_WIDE = "";

/** The values behind keys, where they have one. */
export function lookUp<V>(
  cx: Context,
  table: Source<[string], { readonly value: V | undefined } | undefined>,
  keys: readonly string[],
): readonly V[] {
  return keys.flatMap((key) => cx.get(table, key)?.value ?? []);
}

/** Product of two lists: what is exported to each of `a`, as each of `b`. */
function* pairs<A, B>(as: readonly A[], bs: readonly B[]): Iterable<readonly [A, B]> {
  for (const a of as) for (const b of bs) yield [a, b];
}

/**
 * A table of objects that users write. The API server checks them against their schema, but a
 * lowering that trips over one that slipped through must not take the others with it.
 */
function lowering<O extends KubeObject, V>(
  engine: Engine,
  lower: (object: O) => Lowered<V | undefined>,
): Table<O, Lowered<V | undefined>> {
  return new Table<O, Lowered<V | undefined>>(engine, {
    key: objectKey,
    project: (object) => {
      try {
        return lower(object);
      } catch (error) {
        const report = new Report(objectName(object));
        report.add(
          "MESH0100",
          "spec",
          `nothing of it is served, for it could not be read (${String(error)}): compare it with the API's schema`,
        );
        return { value: undefined, diagnostics: report.diagnostics };
      }
    },
  });
}

function projecting<O extends KubeObject, V>(
  engine: Engine,
  project: (object: O) => V | undefined,
): Table<O, V> {
  return new Table<O, V>(engine, { key: objectKey, project });
}

/** What an object says of hosts. */
interface Exported {
  readonly exportTo: readonly string[];
  readonly services: readonly Service[];
}

/** Whether its connections come to addresses that no listener has of its own. */
const isOpen = ({ anyAddress, subnets }: Service): boolean =>
  anyAddress === true || subnets !== undefined;

/** Hosts by `namespace port`. */
const byPort = (
  exportTo: readonly string[],
  services: readonly Service[],
  portsOf: (service: Service) => readonly number[],
): readonly (readonly [string, string])[] =>
  services.flatMap((service) =>
    [...pairs(exportTo, portsOf(service))].map(
      ([to, port]) => [`${to} ${port}`, service.host] as const,
    ),
  );

/** Hosts as those see them to whom they are exported. */
function exportsOf<O extends KubeObject, V>(
  table: Table<O, Lowered<V | undefined>>,
  saying: (value: V) => Exported,
) {
  const index = (entries: (exported: Exported) => Iterable<readonly [string, string]>) =>
    table.index(({ value }) => (value === undefined ? [] : entries(saying(value))));
  const httpPorts = (service: Service): readonly number[] =>
    service.ports
      .filter(({ protocol }) => isHttp(protocol) || (protocol === "auto" && isOpen(service)))
      .map(({ port }) => port);
  const openPorts = (service: Service): readonly number[] =>
    isOpen(service)
      ? service.ports.filter(({ protocol }) => !isHttp(protocol)).map(({ port }) => port)
      : [];
  return {
    openPorts: index(({ exportTo, services }) =>
      pairs(exportTo, services.flatMap(openPorts).map(String)),
    ),
    /** By `namespace port`. */
    openHosts: index(({ exportTo, services }) => byPort(exportTo, services, openPorts)),
    byAddress: index(({ services }) =>
      services.flatMap(({ host, addresses }) => [...pairs(addresses.map(addressDomain), [host])]),
    ),
    hosts: index(({ exportTo, services }) =>
      pairs(
        exportTo,
        services.map(({ host }) => host),
      ),
    ),
    /** By `namespace port`. */
    httpHosts: index(({ exportTo, services }) => byPort(exportTo, services, httpPorts)),
    httpPorts: index(({ exportTo, services }) =>
      pairs(exportTo, services.flatMap(httpPorts).map(String)),
    ),
    streamHosts: index(({ exportTo, services }) =>
      pairs(
        exportTo,
        services
          .filter(({ ports }) => ports.some(({ protocol }) => !isHttp(protocol)))
          .map(({ host }) => host),
      ),
    ),
  };
}

function kubeInputs(engine: Engine, clusterDomain: string) {
  const services = lowering(engine, (object: Live<kube.Service>) =>
    lowerService(object, clusterDomain),
  );
  const pods = projecting(engine, (object: Live<kube.Pod>) => lowerPod(object));
  const slices = projecting(engine, (object: Live<kube.EndpointSlice>) =>
    lowerEndpointSlice(object),
  );
  return {
    services,
    slices,
    pods,
    addressFamilies: pods.index(({ addresses }) =>
      addresses.map((address) => [MESH_WIDE, address.includes(":") ? "IPv6" : "IPv4"]),
    ),
    secrets: projecting(engine, (object: Live<kube.Secret>) => lowerCredential(object)),
    nodes: projecting(engine, (object: Live<kube.Node>) => lowerNode(object)),
    slicesOf: slices.index(({ service }, key) => [[service, key]]),
    servicesByHost: services.index(({ value }, key) => (value ? [[value.service.host, key]] : [])),
    serviceExports: exportsOf(services, ({ exportTo, service }) => ({
      exportTo,
      services: [service],
    })),
    /** By `namespace label=value`. */
    podsLabelled: pods.index(({ namespace, labels }, key) =>
      labelBuckets(labels).map((bucket) => [`${namespace} ${bucket}`, key] as const),
    ),
    /** By `namespace label=value`. */
    servicesSelecting: services.index(({ value }, key) =>
      value?.selector === undefined
        ? []
        : [[`${value.namespace} ${selectorBucket(value.selector)}`, key]],
    ),
  };
}

function entryInputs(engine: Engine, clusterDomain: string) {
  const serviceEntries = lowering(engine, (object: ServiceEntry) =>
    lowerServiceEntry(object, clusterDomain),
  );
  const workloadEntries = lowering(engine, (object: WorkloadEntry) =>
    lowerWorkloadEntry(object, clusterDomain),
  );
  return {
    serviceEntries,
    workloadEntries,
    entriesByHost: serviceEntries.index(({ value }, key) =>
      pairs(value?.services.map(({ host }) => host) ?? [], [key]),
    ),
    entryExports: exportsOf(serviceEntries, (entry) => entry),
    /** Those with hosts that are looked up as requests name them. */
    resolvingRequests: serviceEntries.index(({ value }, key) =>
      value?.services.some(({ resolution }) => resolution === "dynamic-dns")
        ? [[MESH_WIDE, key]]
        : [],
    ),
    /** By `namespace label=value`. */
    entriesSelecting: serviceEntries.index(({ value }, key) =>
      value?.selector === undefined
        ? []
        : [[`${value.namespace} ${selectorBucket(value.selector)}`, key]],
    ),
    /** By `namespace label=value`. */
    workloadEntriesLabelled: workloadEntries.index(({ value }, key) =>
      value === undefined
        ? []
        : labelBuckets(value.place.labels).map(
            (bucket) => [`${value.namespace} ${bucket}`, key] as const,
          ),
    ),
  };
}

function istioInputs(engine: Engine, clusterDomain: string) {
  const virtualServices = lowering(engine, (object: KubeObject<VirtualServiceSpec>) =>
    lowerVirtualService(object, clusterDomain),
  );
  const destinationRules = lowering(engine, (object: KubeObject<DestinationRuleSpec>) =>
    lowerDestinationRule(object, clusterDomain),
  );
  const gateways = lowering(engine, (object: KubeObject<GatewaySpec>) =>
    lowerGateway(object, clusterDomain),
  );
  return {
    virtualServices,
    destinationRules,
    gateways,
    /** By host: those that route sidecars' HTTP. */
    meshRoutes: virtualServices.index(({ value }, key) =>
      value && routesMesh(value) ? pairs(value.routes.hosts, [key]) : [],
    ),
    /** By host: those that route sidecars' connections. */
    meshStreams: virtualServices.index(({ value }, key) =>
      value?.streams.gateways.includes(MESH_GATEWAY) && hasStreams(value)
        ? pairs(value.streams.hosts, [key])
        : [],
    ),
    routedHostsExportedTo: virtualServices.index(({ value }) =>
      value && routesMesh(value) ? pairs(value.exportTo, value.routes.hosts) : [],
    ),
    gatewayRoutes: virtualServices.index(({ value }, key) =>
      pairs(value?.routes.gateways ?? [], [key]),
    ),
    gatewayHosts: virtualServices.index(({ value }) =>
      pairs(value?.routes.gateways ?? [], value?.routes.hosts ?? []),
    ),
    /** By `gateway host`. */
    gatewayRoutesFor: virtualServices.index(({ value }, key) =>
      [...pairs(value?.routes.gateways ?? [], value?.routes.hosts ?? [])].map(
        ([gateway, host]) => [`${gateway} ${host}`, key] as const,
      ),
    ),
    /** By `namespace host`. */
    policiesIn: destinationRules.index(({ value }, key) =>
      value ? [[`${value.namespace} ${value.policy.host}`, key]] : [],
    ),
    gatewaysSelecting: gateways.index(({ value }, key) =>
      value ? [[selectorBucket(value.gateway.selector), key]] : [],
    ),
  };
}

function routesMesh({ routes, delegations }: VirtualService): boolean {
  return routes.gateways.includes(MESH_GATEWAY) && routes.rules.length + delegations.length > 0;
}

function hasStreams({ streams: { tls, tcp } }: VirtualService): boolean {
  return tls.length + tcp.length > 0;
}

/** A resource as patches made it, by its version, that a proxy did not take. */
export interface RefusedVersion {
  readonly version: string;
}

function patchInputs(engine: Engine) {
  const envoyFilters = lowering(engine, (object: KubeObject<EnvoyFilterSpec>) =>
    lowerEnvoyFilter(object),
  );
  return {
    envoyFilters,
    /** By `namespace aspect`. */
    envoyFiltersIn: envoyFilters.index(({ value }, key) =>
      value ? value.aspects.map((aspect) => [`${value.namespace} ${aspect}`, key] as const) : [],
    ),
    refusedVersions: new Table<RefusedVersion, true>(engine, {
      key: ({ version }) => version,
      project: () => true,
    }),
  };
}

/** Every input of the model. */
export function inputs(engine: Engine, clusterDomain: string) {
  return {
    ...kubeInputs(engine, clusterDomain),
    ...entryInputs(engine, clusterDomain),
    ...istioInputs(engine, clusterDomain),
    ...patchInputs(engine),
  };
}

export type Inputs = ReturnType<typeof inputs>;
