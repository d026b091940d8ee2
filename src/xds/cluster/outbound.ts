/** One cluster for each port of each service, and for each of its subsets. */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ADS } from "../config-source.ts";
import { type OutboundCluster, outboundClusterName, parseOutboundCluster } from "../names.ts";
import type { Translator } from "../translator.ts";
import { clusterPolicy, effectivePolicy } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";
import { transport } from "./tls.ts";

export function outboundClusterNames(mesh: Mesh, namespace: string): readonly string[] {
  return mesh
    .hosts(namespace)
    .flatMap((host) => clustersOf(mesh, host, namespace).map(outboundClusterName))
    .sort();
}

function clustersOf(mesh: Mesh, host: string, namespace: string): readonly OutboundCluster[] {
  const subsets = mesh.policy(host, namespace)?.subsets ?? [];
  return (mesh.service(host)?.ports ?? []).flatMap(({ port }) => [
    { host, port },
    ...subsets.map(({ name }) => ({ host, port, subset: name })),
  ]);
}

/** What a cluster name stands for, as long as the mesh has it. */
export interface Target {
  readonly cluster: OutboundCluster;
  readonly service: Service;
  readonly port: ServicePort;
  readonly policy: TrafficPolicy;
  /** Labels of its endpoints; empty: all of the service's. */
  readonly labels: Readonly<Record<string, string>>;
}

export function targetOf(mesh: Mesh, namespace: string, name: string): Target | undefined {
  const cluster = parseOutboundCluster(name);
  const service = cluster && mesh.service(cluster.host);
  const port = service?.ports.find((p) => p.port === cluster?.port);
  if (!cluster || !service || !port) return undefined;
  const destination = mesh.policy(cluster.host, namespace);
  const subset = destination?.subsets.find((s) => s.name === cluster.subset);
  if (cluster.subset !== undefined && subset === undefined) return undefined;
  return {
    cluster,
    service,
    port,
    policy: effectivePolicy(destination, port.port, cluster.subset),
    labels: subset?.labels ?? {},
  };
}

/** Whether connections go where the client meant them to go, so that no endpoints are listed. */
const keepsAddress = ({ service, policy }: Target): boolean =>
  service.resolution === "headless" || policy.loadBalancer?.kind === "passthrough";

export const hasEndpointList = (target: Target): boolean =>
  target.service.resolution === "static" && !keepsAddress(target);

export const outboundClusters: Translator = {
  type: "Cluster",
  keys: (mesh, view) => outboundClusterNames(mesh, view.namespace),
  resource(mesh, view, key) {
    const target = targetOf(mesh, view.namespace, key);
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
  const metadata = !keepsAddress(target);
  return {
    name: outboundClusterName(cluster),
    ...clusterPolicy(policy),
    ...discovery(target),
    ...protocolOptions(port.protocol),
    ...transport({ cluster, protocol: port.protocol, policy, metadata }, peers),
    metadata: { filterMetadata: { istio: clusterMetadata(target) } },
  };
}

function discovery(target: Target): Cluster {
  if (keepsAddress(target)) return { type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED" };
  const { host, port } = target.cluster;
  // Draining endpoints are the only unhealthy ones we list: spreading load over them helps nobody.
  const commonLbConfig = { healthyPanicThreshold: { value: 0 } };
  if (target.service.resolution === "static")
    return { type: "EDS", edsClusterConfig: { edsConfig: ADS }, commonLbConfig };
  return {
    type: "STRICT_DNS",
    dnsLookupFamily: "ALL",
    respectDnsTtl: true,
    loadAssignment: {
      clusterName: outboundClusterName(target.cluster),
      endpoints: [
        {
          lbEndpoints: [
            { endpoint: { address: { socketAddress: { address: host, portValue: port } } } },
          ],
        },
      ],
    },
    commonLbConfig,
  };
}

/** Who it leads to, for what telemetry says of the destination. */
function clusterMetadata({ cluster, service }: Target): Record<string, unknown> {
  const { host, name, namespace } = service;
  return {
    services: [{ host, name, namespace }],
    ...(cluster.subset !== undefined && { subset: cluster.subset }),
  };
}
