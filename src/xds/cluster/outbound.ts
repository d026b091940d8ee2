/** One cluster for each port of each service, and for each of its subsets. */
import type { Mesh, MeshSettings } from "../../model/ir/mesh.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import { originOf } from "../../model/ir/tls-origin.ts";
import type { DestinationPolicy, TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ADS } from "../config-source.ts";
import { loadAssignment, type Viewpoint } from "../load-assignment.ts";
import { type Nearness, nearnessOf } from "../locality.ts";
import {
  assignmentName,
  type OutboundCluster,
  outboundClusterName,
  parseOutboundCluster,
} from "../names.ts";
import { isAvailable } from "../secret.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { byClient, byDns, byRequest } from "./discovery.ts";
import { originSecrets } from "./origination.ts";
import { balancingPolicy, clusterPolicy, effectivePolicy, overDefaults } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";
import { outboundStatName } from "./stat-name.ts";
import { takersAmong, transport } from "./tls.ts";

/** All clusters of one host that proxies of a namespace may have, sorted by name; some lack a few. */
export function outboundClusterNames(
  mesh: Mesh,
  host: string,
  namespace: string,
): readonly string[] {
  const from = mesh.standpoint(host, namespace);
  const subsets = mesh.subsets(host, from);
  const ports = mesh.service(host, from)?.ports ?? [];
  return ports
    .flatMap(({ port }) => [
      outboundClusterName({ host, port }),
      ...subsets.map((subset) => outboundClusterName({ host, port, subset })),
    ])
    .sort();
}

/** What a cluster name stands for, as long as the mesh has it. */
export interface Target {
  readonly cluster: OutboundCluster;
  readonly service: Service;
  readonly port: ServicePort;
  readonly policy: TrafficPolicy;
  /** Labels of its endpoints; empty: all of the service's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly nearness: Nearness | undefined;
  /**
   * How endpoints are found: we list them, Envoy asks DNS for theirs or for the names in requests, or
   * the client has chosen one already.
   * None where the policy wants a secret that the proxy does not get: it would wait for ever.
   */
  readonly endpoints: "listed" | "dns" | "requested" | "chosen" | "none";
}

export function targetOf(mesh: Mesh, view: ProxyView, name: string): Target | undefined {
  const cluster = parseOutboundCluster(name);
  if (cluster === undefined) return undefined;
  const service = mesh.service(cluster.host, view.namespace);
  const port = service?.ports.find((p) => p.port === cluster.port);
  if (service === undefined || port === undefined) return undefined;
  const destination = mesh.policy(cluster.host, view);
  const labels = labelsOf(destination, cluster.subset);
  if (labels === undefined) return undefined;
  const own = effectivePolicy(destination, port.port, cluster.subset);
  const policy = named(overDefaults(mesh.settings, own), service);
  return {
    cluster,
    service,
    port,
    policy,
    labels,
    nearness: nearnessOf(policy, service, mesh.settings),
    endpoints: discoveryOf(mesh, service, policy, view),
  };
}

/** A policy that does not say whom it trusts trusts whom the service names. */
function named(policy: TrafficPolicy, { subjectAltNames }: Service): TrafficPolicy {
  const origin = originOf(policy);
  return origin === undefined || origin.subjectAltNames.length > 0 || !subjectAltNames
    ? policy
    : { ...policy, tls: { ...origin, subjectAltNames } };
}

/** `undefined` if there is no such subset. */
const labelsOf = (
  destination: DestinationPolicy | undefined,
  subset: string | undefined,
): Readonly<Record<string, string>> | undefined =>
  subset === undefined ? {} : destination?.subsets.find(({ name }) => name === subset)?.labels;

function hasSecrets(mesh: Mesh, view: ProxyView, policy: TrafficPolicy): boolean {
  const origin = originOf(policy);
  return (
    origin === undefined || originSecrets(origin).every((secret) => isAvailable(mesh, view, secret))
  );
}

/** Clients behind a sidecar may choose an endpoint; those before a gateway know none. */
function discoveryOf(
  mesh: Mesh,
  { resolution }: Service,
  policy: TrafficPolicy,
  view: ProxyView,
): Target["endpoints"] {
  if (!hasSecrets(mesh, view, policy)) return "none";
  const { balancer } = policy.balancing ?? {};
  const found = DISCOVERY[resolution];
  const mayChoose = found === "listed" || found === "dns";
  const isChosen = resolution === "headless" || balancer?.kind === "passthrough";
  return mayChoose && isChosen && view.kind === "sidecar" ? "chosen" : found;
}

const DISCOVERY: Readonly<Record<Service["resolution"], Target["endpoints"]>> = {
  static: "listed",
  headless: "listed",
  dns: "dns",
  "dns-round-robin": "dns",
  "dynamic-dns": "requested",
  "original-destination": "chosen",
};

/** Whether we list the endpoints of its clusters, unless a policy says otherwise. */
export const mayBeListed = ({ resolution }: Service): boolean => DISCOVERY[resolution] === "listed";

/** Of what is made of the cluster's host alone. */
export function standpointOf(mesh: Mesh, namespace: string, name: string): string {
  const cluster = parseOutboundCluster(name);
  return cluster === undefined ? namespace : mesh.standpoint(cluster.host, namespace);
}

export const outboundClusters: Translator = {
  type: "Cluster",
  groups: (mesh, view) => (view.kind === "grpc" ? [] : mesh.hosts(mesh.scope(view))),
  keys: (mesh, { namespace }, host) => outboundClusterNames(mesh, host, namespace),
  standpoint: standpointOf,
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    if (target === undefined) return undefined;
    const found = { name: key, body: outboundCluster(mesh, view, target), clusters: [] };
    return target.endpoints === "listed"
      ? { ...found, assignment: assignmentOf(mesh, view, target) }
      : found;
  },
};

/** The name of its endpoints. */
export const assignmentOf = (mesh: Mesh, view: ProxyView, { cluster }: Target): string =>
  assignmentName(cluster, {
    takers: takersAmong(mesh.peers(cluster.host, view.namespace)),
    clusterDomain: mesh.settings.clusterDomain,
  });

/** From where a proxy looks at the target's endpoints. */
export const viewpoint = ({ nearness, policy, service }: Target, client: ProxyView): Viewpoint => ({
  nearness,
  nodeLocal: service.nodeLocal === true,
  minHealthPercent: policy.outlier?.minHealthPercent,
  client,
});

function outboundCluster(mesh: Mesh, view: ProxyView, target: Target): Cluster {
  const { cluster, service, port, policy } = target;
  const metadata = target.endpoints === "listed" || target.endpoints === "dns";
  const name = outboundClusterName(cluster);
  const found = discovery(target, { mesh, view });
  if (target.endpoints === "none") return { name, ...found, ...clusterPolicy(policy) };
  return {
    name,
    ...outboundStatName(mesh.settings, target),
    ...bufferLimit(mesh.settings, view),
    ...clusterPolicy(policy),
    ...found,
    ...protocolOptions(port.protocol, policy),
    ...transport(
      { cluster, service, protocol: port.protocol, policy, metadata, settings: mesh.settings },
      mesh.peers(cluster.host, view.namespace),
    ),
    ...(mesh.describes() && {
      metadata: { filterMetadata: { istio: clusterMetadata(target) } },
    }),
  };
}

/** Gateways may be kept from holding much for slow clients. */
function bufferLimit({ traffic }: MeshSettings, view: ProxyView): Cluster {
  const bytes = traffic?.edge?.clusterBufferBytes;
  return bytes === undefined || view.kind !== "gateway"
    ? {}
    : { perConnectionBufferLimitBytes: bytes };
}

interface Place {
  readonly mesh: Mesh;
  readonly view: ProxyView;
}

function discovery(target: Target, { mesh, view }: Place): Cluster {
  const { cluster, service, port, labels, policy, nearness } = target;
  const wanted = { name: outboundClusterName(cluster), portName: port.name, labels };
  switch (target.endpoints) {
    case "none":
      return { type: "STATIC" };
    case "chosen":
      return byClient(port);
    case "requested":
      return byRequest;
    case "listed":
      return {
        type: "EDS",
        edsClusterConfig: { edsConfig: ADS, serviceName: assignmentOf(mesh, view, target) },
        ...balancingPolicy(policy, nearness),
      };
    case "dns":
      return {
        ...byDns(
          loadAssignment(
            wanted,
            mesh.endpoints(cluster.host, view.namespace),
            viewpoint(target, view),
          ),
          service.resolution === "dns-round-robin",
          mesh.settings.traffic?.dnsRefreshMs,
        ),
        ...balancingPolicy(policy, nearness),
      };
  }
}

/** Who it leads to, for what telemetry says of the destination. */
function clusterMetadata({ cluster, service }: Target): Record<string, unknown> {
  const { host, name, namespace } = service;
  return {
    services: [{ host, name, namespace }],
    ...(cluster.subset !== undefined && { subset: cluster.subset }),
  };
}
