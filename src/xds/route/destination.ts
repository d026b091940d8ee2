/** Where a rule's requests go: clusters, and what of the destinations shows on the route itself. */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Destination } from "../../model/ir/route.ts";
import type { ServicePort } from "../../model/ir/service.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type {
  RouteAction,
  RouteAction_HashPolicy,
  WeightedCluster_ClusterWeight,
} from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { effectivePolicy, overDefaults } from "../cluster/policy.ts";
import { outboundClusterName } from "../names.ts";
import type { ProxyView } from "../view.ts";
import { hashPolicy } from "./hash.ts";
import { headerOperations } from "./headers.ts";

/** From where routes are seen. */
export interface Vantage {
  readonly mesh: Mesh;
  readonly view: ProxyView;
  /** Of the proxy. */
  readonly namespace: string;
  /** Of the listener, as clients call it. */
  readonly port: number;
  /** Whether what comes to it comes by TLS that ends there. */
  readonly secure?: boolean;
}

export interface Resolved {
  readonly destination: Destination;
  readonly cluster: string;
  /** Whether the protocol of its port is found out by its server, from what clients say by ALPN. */
  readonly detected: boolean;
  readonly hashPolicy: readonly RouteAction_HashPolicy[];
  readonly policy: TrafficPolicy;
}

/** A destination that the mesh does not have keeps its cluster's name, which answers 503. */
export function resolve(destination: Destination, { mesh, view, port }: Vantage): Resolved {
  const { subset } = destination;
  const found = mesh.service(destination.host, view.namespace);
  const { host, ports } = found ?? { host: destination.host, ports: [] };
  const number = portOf(destination, ports, port);
  const own = effectivePolicy(mesh.policy(host, view), number, subset);
  const policy = overDefaults(mesh.settings, own);
  return {
    destination,
    cluster: outboundClusterName({ host, port: number, ...(subset !== undefined && { subset }) }),
    detected: ports.some((p) => p.port === number && p.protocol === "auto"),
    hashPolicy: hashPolicy(policy.balancing?.balancer),
    policy,
  };
}

/** Of the service's; where the destination does not say, its only one, or that of the listener. */
export function portOf(
  { port }: Pick<Destination, "port">,
  ports: readonly ServicePort[],
  listening: number,
): number {
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  return port ?? only ?? listening;
}

/** Header operations of a single destination are its route's; those of several their own. */
export function target(resolved: readonly Resolved[]): RouteAction {
  const [only, ...others] = resolved;
  if (only !== undefined && others.length === 0)
    return {
      cluster: only.cluster,
      ...(only.destination.authority !== undefined && {
        hostRewriteLiteral: only.destination.authority,
      }),
    };
  return { weightedClusters: { clusters: resolved.map(clusterWeight) } };
}

function clusterWeight({ destination, cluster }: Resolved): WeightedCluster_ClusterWeight {
  const { weight, authority } = destination;
  return {
    name: cluster,
    weight,
    ...(authority !== undefined && { hostRewriteLiteral: authority }),
    ...headerOperations([destination]),
  };
}
