/** One cluster for each port of each service, and for each of its subsets. */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import type { DestinationPolicy, TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { socketAddress } from "../address.ts";
import { ADS } from "../config-source.ts";
import { type OutboundCluster, outboundClusterName, parseOutboundCluster } from "../names.ts";
import { isAvailable } from "../secret.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { originSecrets } from "./origination.ts";
import { balancingPolicy, clusterPolicy, effectivePolicy, originOf } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";
import { transport } from "./tls.ts";

/** All clusters of one host that proxies of a namespace may have, sorted by name; some lack a few. */
export function outboundClusterNames(
  mesh: Mesh,
  host: string,
  namespace: string,
): readonly string[] {
  const subsets = mesh.subsets(host, namespace);
  const ports = mesh.service(host)?.ports ?? [];
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
  /**
   * How endpoints are found: we list them, Envoy asks DNS, or the client has chosen one already.
   * None where the policy wants a secret that the proxy does not get: it would wait for ever.
   */
  readonly endpoints: "listed" | "dns" | "chosen" | "none";
}

export function targetOf(mesh: Mesh, view: ProxyView, name: string): Target | undefined {
  const cluster = parseOutboundCluster(name);
  if (cluster === undefined) return undefined;
  const service = mesh.service(cluster.host);
  const port = service?.ports.find((p) => p.port === cluster.port);
  if (service === undefined || port === undefined) return undefined;
  const destination = mesh.policy(cluster.host, view);
  const labels = labelsOf(destination, cluster.subset);
  if (labels === undefined) return undefined;
  const policy = effectivePolicy(destination, port.port, cluster.subset);
  return {
    cluster,
    service,
    port,
    policy,
    labels,
    endpoints: discoveryOf(mesh, service, policy, view),
  };
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
  const isChosen = resolution === "headless" || balancer?.kind === "passthrough";
  if (isChosen && view.kind === "sidecar") return "chosen";
  return resolution === "dns" ? "dns" : "listed";
}

export const outboundClusters: Translator = {
  type: "Cluster",
  groups: (mesh, { namespace }) => mesh.hosts(namespace),
  keys: (mesh, { namespace }, host) => outboundClusterNames(mesh, host, namespace),
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    return target && { name: key, body: outboundCluster(mesh, target), clusters: [] };
  },
};

function outboundCluster(mesh: Mesh, target: Target): Cluster {
  const { cluster, service, port, policy } = target;
  const peers = {
    endpoints: mesh.endpoints(cluster.host),
    trustDomain: mesh.settings.trustDomain,
    namespace: service.namespace,
  };
  const metadata = target.endpoints !== "chosen";
  if (target.endpoints === "none")
    return { name: outboundClusterName(cluster), ...discovery(target), ...clusterPolicy(policy) };
  return {
    name: outboundClusterName(cluster),
    ...clusterPolicy(policy),
    ...discovery(target),
    ...protocolOptions(port.protocol, policy),
    ...transport({ cluster, protocol: port.protocol, policy, metadata }, peers),
    metadata: { filterMetadata: { istio: clusterMetadata(target) } },
  };
}

function discovery({ endpoints, cluster, policy }: Target): Cluster {
  switch (endpoints) {
    case "none":
      return { type: "STATIC" };
    case "chosen":
      return { type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED" };
    case "listed":
      return { type: "EDS", edsClusterConfig: { edsConfig: ADS }, ...balancingPolicy(policy) };
    case "dns":
      return { ...byDns(cluster), ...balancingPolicy(policy) };
  }
}

const byDns = (cluster: OutboundCluster): Cluster => ({
  type: "STRICT_DNS",
  dnsLookupFamily: "ALL",
  respectDnsTtl: true,
  loadAssignment: {
    clusterName: outboundClusterName(cluster),
    endpoints: [
      { lbEndpoints: [{ endpoint: { address: socketAddress(cluster.host, cluster.port) } }] },
    ],
  },
});

/** Who it leads to, for what telemetry says of the destination. */
function clusterMetadata({ cluster, service }: Target): Record<string, unknown> {
  const { host, name, namespace } = service;
  return {
    services: [{ host, name, namespace }],
    ...(cluster.subset !== undefined && { subset: cluster.subset }),
  };
}
