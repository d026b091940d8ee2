/**
 * The clusters that a gRPC library understands: endpoints that are listed, or one name to look up.
 * It knows no limits but that of concurrent requests, and would take 1024 for it.
 */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { circuitBreakers } from "../cluster/limits.ts";
import { outboundClusterNames, type Target, targetOf, viewpoint } from "../cluster/outbound.ts";
import { ADS } from "../config-source.ts";
import { loadAssignment } from "../load-assignment.ts";
import { outboundClusterName } from "../names.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { dialledHosts } from "./name.ts";

export const grpcClusters: Translator = {
  type: "Cluster",
  groups: dialledHosts,
  keys: (mesh, { namespace }, host) => outboundClusterNames(mesh, host, namespace),
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    const found = target && discovery(target, { mesh, view });
    return found && { name: key, body: grpcCluster(key, target, found), clusters: [] };
  },
};

const grpcCluster = (name: string, target: Target, found: Cluster): Cluster => ({
  name,
  ...found,
  ...balancing(target),
  ...circuitBreakers({ connections: pick(target) }),
});

const pick = ({ policy: { connections: { maxRequests } = {} } }: Target) =>
  maxRequests === undefined ? {} : { maxRequests };

interface Place {
  readonly mesh: Mesh;
  readonly view: ProxyView;
}

/** @returns `undefined` where the library would have to do what only a proxy can */
function discovery(target: Target, { mesh, view }: Place): Cluster | undefined {
  const { endpoints, cluster, port, labels } = target;
  if (endpoints === "listed") return { type: "EDS", edsClusterConfig: { edsConfig: ADS } };
  if (endpoints !== "dns") return undefined;
  const name = outboundClusterName(cluster);
  const all = mesh.endpoints(cluster.host, view.namespace);
  const { endpoints: groups = [] } = loadAssignment(
    { name, portName: port.name, labels },
    all,
    viewpoint(target, view),
  );
  // Of several names a library takes none: it looks up one.
  const [first] = groups.flatMap(({ lbEndpoints = [] }) => lbEndpoints);
  if (first === undefined) return undefined;
  return {
    type: "LOGICAL_DNS",
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [first] }] },
  };
}

/** Every library has these two; others make the older ones refuse the cluster. */
function balancing({ policy }: Target): Cluster {
  const balancer = policy.balancing?.balancer;
  if (balancer?.kind !== "consistent-hash") return { lbPolicy: "ROUND_ROBIN" };
  const { minimumRingSize } = balancer;
  return {
    lbPolicy: "RING_HASH",
    ...(minimumRingSize !== undefined && { ringHashLbConfig: { minimumRingSize } }),
  };
}
