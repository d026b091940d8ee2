/** The tables of objects, lowered one by one as they arrive, and how they are found again. */
import { Report } from "../api/codes.ts";
import type { Lowered } from "../api/diagnostic.ts";
import type { DestinationRuleSpec } from "../api/gen/destination-rule.ts";
import type { EnvoyFilterSpec } from "../api/gen/envoy-filter.ts";
import type { GatewaySpec } from "../api/gen/gateway.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import type { SidecarSpec } from "../api/gen/sidecar.ts";
import type { VirtualServiceSpec } from "../api/gen/virtual-service.ts";
import type { Live, ServiceEntry, WorkloadEntry } from "../api/kinds.ts";
import { PROXY_KIND } from "../api/labels.ts";
import { type KubeObject, objectKey, objectName } from "../api/object.ts";
import type { Context, Engine, Source } from "../store/engine.ts";
import { Table } from "../store/table.ts";
import { lowerCredential } from "./credential.ts";
import { type DefaultExports, exportedByAnnotation, exportedBySpec } from "./default-exports.ts";
import { mayReadDescriptions } from "./descriptions.ts";
import { addressDomain } from "./domains.ts";
import { patternsFor } from "./host.ts";
import type { Service } from "./ir/service.ts";
import { originsOf } from "./ir/tls-origin.ts";
import { type DestinationRule, lowerDestinationRule } from "./istio/destination-rule.ts";
import { lowerEnvoyFilter } from "./istio/envoy-filter.ts";
import { lowerGateway } from "./istio/gateway.ts";
import { MESH_GATEWAY } from "./istio/gateway-key.ts";
import { lowerServiceEntry } from "./istio/service-entry.ts";
import { lowerSidecar } from "./istio/sidecar.ts";
import { lowerVirtualService, type VirtualService } from "./istio/virtual-service.ts";
import { lowerWorkloadEntry } from "./istio/workload-entry.ts";
import { type KubeService, lowerEndpointSlice, lowerNode, lowerPod, lowerService } from "./kube.ts";
import { hasStreams, httpPorts, openPorts } from "./ports.ts";
import { type Audience, audiences } from "./scope.ts";
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
interface Exported extends Audience {
  readonly services: readonly Service[];
}

/** Hosts as those see them to whom they are exported: by `namespace owner`. */
function exportsOf<O extends KubeObject, V>(
  table: Table<O, Lowered<V | undefined>>,
  saying: (value: V) => Exported,
) {
  const index = (entries: (exported: Exported) => Iterable<readonly [string, string]>) =>
    table.index(({ value }) => (value === undefined ? [] : entries(saying(value))));
  const hosts = (isMeant: (service: Service) => boolean) =>
    index((exported) => {
      const meant = exported.services.filter(isMeant);
      return pairs(
        audiences(exported),
        meant.map(({ host }) => host),
      );
    });
  /** Ports by `namespace owner`. */
  const ports = (of: (service: Service) => readonly number[]) =>
    index((exported) => pairs(audiences(exported), exported.services.flatMap(of).map(String)));
  /** Hosts by `namespace owner` and something of theirs. */
  const hostsBy = (of: (service: Service) => readonly (string | number)[]) =>
    index((exported) => {
      const found = exported.services.flatMap((one) => [...pairs(of(one), [one.host])]);
      return [...pairs(audiences(exported), found)].map(
        ([to, [what, host]]) => [`${to} ${what}`, host] as const,
      );
    });
  return {
    openPorts: ports(openPorts),
    openHosts: hostsBy(openPorts),
    byAddress: index(({ services }) =>
      services.flatMap(({ host, addresses }) => [...pairs(addresses.map(addressDomain), [host])]),
    ),
    hosts: hosts(() => true),
    /** By `*.domain`. */
    hostsBelow: hostsBy(({ host }) => patternsFor(host).slice(1, -1)),
    hostsOnPort: hostsBy((service) => service.ports.map(({ port }) => port)),
    httpHosts: hostsBy(httpPorts),
    httpPorts: ports(httpPorts),
    streamHosts: hosts(hasStreams),
  };
}

function kubeInputs(engine: Engine, clusterDomain: string, { services: to }: DefaultExports) {
  const services = lowering(engine, (object: Live<kube.Service>) =>
    lowerService(exportedByAnnotation(object, to), clusterDomain),
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
    /** By label: pods of gateways, wherever they run. */
    gatewayPods: pods.index(({ labels }, key) =>
      labels[PROXY_KIND] === "gateway"
        ? labelBuckets(labels).map((bucket) => [bucket, key] as const)
        : [],
    ),
    gatewayNamespaces: pods.index(({ labels, namespace }) =>
      labels[PROXY_KIND] === "gateway" ? [[MESH_WIDE, namespace]] : [],
    ),
    ...secretInputs(engine),
    nodes: projecting(engine, (object: Live<kube.Node>) => lowerNode(object)),
    slicesOf: slices.index(({ service }, key) => [[service, key]]),
    servicesByHost: services.index(({ value }, key) => (value ? [[value.service.host, key]] : [])),
    serviceExports: exportsOf(services, ({ exportTo, namespace, service }) => ({
      exportTo,
      namespace,
      services: service.standsFor === undefined ? [service] : [],
    })),
    ...nameInputs(services),
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

/** Services of type ExternalName: whether they are hosts of their own is seen with those they stand for. */
function nameInputs(services: Table<Live<kube.Service>, Lowered<KubeService | undefined>>) {
  return {
    /** By `namespace owner`. */
    namesExportedTo: services.index(({ value }) =>
      value?.service.standsFor === undefined ? [] : pairs(audiences(value), [value.service.host]),
    ),
    /** By the host that they stand for. */
    namesFor: services.index(({ value }) =>
      value?.service.standsFor === undefined ? [] : [[value.service.standsFor, value.service.host]],
    ),
  };
}

/** A time that has passed, in milliseconds since 1970. */
export interface PassedTime {
  readonly time: number;
}

function secretInputs(engine: Engine) {
  const secrets = projecting(engine, (object: Live<kube.Secret>) => lowerCredential(object));
  return {
    secrets,
    /** Times that matter to somebody: who keeps the clock says of each when it has passed. */
    times: secrets.index(({ expires }) =>
      Object.values(expires).map((time) => [MESH_WIDE, String(time)] as const),
    ),
    passedTimes: new Table<PassedTime, true>(engine, {
      key: ({ time }) => String(time),
      project: () => true,
    }),
  };
}

function entryInputs(engine: Engine, clusterDomain: string, { services: to }: DefaultExports) {
  const serviceEntries = lowering(engine, (object: ServiceEntry) =>
    lowerServiceEntry(exportedBySpec(object, to), clusterDomain),
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

function policyIndexes(
  destinationRules: Table<KubeObject<DestinationRuleSpec>, Lowered<DestinationRule | undefined>>,
) {
  return {
    /** By `namespace host`. */
    policiesIn: destinationRules.index(({ value }, key) =>
      value ? [[`${value.namespace} ${value.policy.host}`, key]] : [],
    ),
    /** By whom they are exported to: those with TLS to servers outside the mesh. */
    originatingPolicies: destinationRules.index(({ value }, key) =>
      value && originsOf(value.policy).length > 0 ? pairs(value.exportTo, [key]) : [],
    ),
    /** Namespaces by host. */
    policyOwners: destinationRules.index(({ value }) =>
      value ? [[value.policy.host, value.namespace]] : [],
    ),
  };
}

function istioInputs(engine: Engine, clusterDomain: string, exports: DefaultExports) {
  const virtualServices = lowering(engine, (object: KubeObject<VirtualServiceSpec>) =>
    lowerVirtualService(exportedBySpec(object, exports.virtualServices), clusterDomain),
  );
  const destinationRules = lowering(engine, (object: KubeObject<DestinationRuleSpec>) =>
    lowerDestinationRule(exportedBySpec(object, exports.destinationRules), clusterDomain),
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
      value?.streams.gateways.includes(MESH_GATEWAY) && hasStreamRules(value)
        ? pairs(value.streams.hosts, [key])
        : [],
    ),
    /** By `namespace owner`. */
    routedHostsExportedTo: virtualServices.index(({ value }) =>
      value && routesMesh(value) ? pairs(audiences(value), value.routes.hosts) : [],
    ),
    /** By `namespace owner`: whatever routes sidecars' traffic. */
    routingExportedTo: virtualServices.index(({ value }, key) =>
      value?.routes.gateways.includes(MESH_GATEWAY) ? pairs(audiences(value), [key]) : [],
    ),
    gatewayRoutes: virtualServices.index(({ value }, key) =>
      pairs(value?.routes.gateways ?? [], [key]),
    ),
    /** By `namespace gateway`, of the namespaces to which the routing is exported. */
    gatewayHosts: virtualServices.index(({ value }) =>
      value
        ? pairs(
            value.exportTo.flatMap((to) => value.routes.gateways.map((of) => `${to} ${of}`)),
            value.routes.hosts,
          )
        : [],
    ),
    /** By `gateway host`. */
    gatewayRoutesFor: virtualServices.index(({ value }, key) =>
      [...pairs(value?.routes.gateways ?? [], value?.routes.hosts ?? [])].map(
        ([gateway, host]) => [`${gateway} ${host}`, key] as const,
      ),
    ),
    ...policyIndexes(destinationRules),
    gatewaysSelecting: gateways.index(({ value }, key) =>
      value ? [[selectorBucket(value.gateway.selector), key]] : [],
    ),
  };
}

function sidecarInputs(engine: Engine, clusterDomain: string) {
  const sidecars = lowering(engine, (object: KubeObject<SidecarSpec>) =>
    lowerSidecar(object, clusterDomain),
  );
  const bySelector = (isDefault: boolean) =>
    sidecars.index(({ value }, key) =>
      value && (Object.keys(value.selector).length === 0) === isDefault
        ? [[value.namespace, key]]
        : [],
    );
  return {
    sidecars,
    /** By namespace: those for all of its workloads, and those for some. */
    sidecarDefaults: bySelector(true),
    sidecarsSelecting: bySelector(false),
    /** All that do not leave unknown traffic to the mesh's settings. */
    sidecarsWithPolicy: sidecars.index(({ value }, key) =>
      value?.sidecar.unknown ? [[MESH_WIDE, key]] : [],
    ),
  };
}

function routesMesh({ routes, delegations }: VirtualService): boolean {
  return routes.gateways.includes(MESH_GATEWAY) && routes.rules.length + delegations.length > 0;
}

function hasStreamRules({ streams: { tls, tcp } }: VirtualService): boolean {
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
    /** Those that may read what routes and clusters say of themselves. */
    describingFilters: envoyFilters.index(({ value }, key) =>
      value && mayReadDescriptions(value.filter.patches.map((patch) => patch.value))
        ? [[MESH_WIDE, key]]
        : [],
    ),
    refusedVersions: new Table<RefusedVersion, true>(engine, {
      key: ({ version }) => version,
      project: () => true,
    }),
  };
}

/** Every input of the model. */
export function inputs(engine: Engine, clusterDomain: string, exports: DefaultExports = {}) {
  return {
    ...kubeInputs(engine, clusterDomain, exports),
    ...entryInputs(engine, clusterDomain, exports),
    ...istioInputs(engine, clusterDomain, exports),
    ...patchInputs(engine),
    ...sidecarInputs(engine, clusterDomain),
  };
}

export type Inputs = ReturnType<typeof inputs>;
