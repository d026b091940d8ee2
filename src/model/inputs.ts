/** The tables of objects, lowered one by one as they arrive, and how they are found again. */
import { Report } from "../api/codes.ts";
import type { Lowered } from "../api/diagnostic.ts";
import type { DestinationRuleSpec } from "../api/gen/destination-rule.ts";
import type { GatewaySpec } from "../api/gen/gateway.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import type { VirtualServiceSpec } from "../api/gen/virtual-service.ts";
import type { Live } from "../api/kinds.ts";
import { type KubeObject, objectKey, objectName } from "../api/object.ts";
import type { Engine } from "../store/engine.ts";
import { Table } from "../store/table.ts";
import { lowerCredential } from "./credential.ts";
import { addressDomain } from "./domains.ts";
import { lowerDestinationRule } from "./istio/destination-rule.ts";
import { lowerGateway } from "./istio/gateway.ts";
import { MESH_GATEWAY } from "./istio/gateway-key.ts";
import { lowerVirtualService, type VirtualService } from "./istio/virtual-service.ts";
import { type KubeService, lowerEndpointSlice, lowerNode, lowerPod, lowerService } from "./kube.ts";
import { isHttp } from "./port-protocol.ts";
import { selectorBucket } from "./selector.ts";

/** The one bucket of an index over all there is. */
export const MESH_WIDE = "";

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
    hostsByAddress: services.index(({ value }) =>
      pairs(addressDomains(value), value ? [value.service.host] : []),
    ),
    hostsExportedTo: services.index(({ value }) =>
      pairs(value?.exportTo ?? [], value ? [value.service.host] : []),
    ),
    /** By `namespace port`. */
    httpHostsExportedTo: services.index(({ value }) => {
      const ports = value?.service.ports.filter(({ protocol }) => isHttp(protocol)) ?? [];
      return [...pairs(value?.exportTo ?? [], ports)].map(
        ([to, { port }]) => [`${to} ${port}`, value?.service.host ?? ""] as const,
      );
    }),
    httpPortsExportedTo: services.index(({ value }) => {
      const ports = value?.service.ports.filter(({ protocol }) => isHttp(protocol)) ?? [];
      return pairs(
        value?.exportTo ?? [],
        ports.map(({ port }) => String(port)),
      );
    }),
    streamHostsExportedTo: services.index(({ value }) =>
      value?.service.ports.some(({ protocol }) => !isHttp(protocol))
        ? pairs(value.exportTo, [value.service.host])
        : [],
    ),
    /** By `namespace label=value`. */
    servicesSelecting: services.index(({ value }, key) =>
      value?.selector === undefined
        ? []
        : [[`${value.namespace} ${selectorBucket(value.selector)}`, key]],
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

function addressDomains(service: KubeService | undefined): readonly string[] {
  return service?.service.addresses.map(addressDomain) ?? [];
}

/** Every input of the model. */
export function inputs(engine: Engine, clusterDomain: string) {
  return { ...kubeInputs(engine, clusterDomain), ...istioInputs(engine, clusterDomain) };
}

export type Inputs = ReturnType<typeof inputs>;
