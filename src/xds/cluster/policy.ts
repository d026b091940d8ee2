import type { DestinationPolicy, LoadBalancer, TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { duration } from "../../util/duration.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const MINIMUM_RING_SIZE = 1024;

/** The policy for one port of a host or of one of its subsets. */
export function effectivePolicy(
  destination: DestinationPolicy | undefined,
  port: number,
  subset?: string,
): TrafficPolicy {
  const policy =
    destination?.subsets.find(({ name }) => name === subset)?.policy ?? destination?.policy ?? {};
  return policy.ports?.[port] ?? policy;
}

/** The parts of a cluster that a DestinationRule decides. */
export function clusterPolicy({ loadBalancer, connectTimeoutMs }: TrafficPolicy): Cluster {
  return {
    connectTimeout: duration(connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
    ...balancing(loadBalancer ?? { kind: "least-request" }),
  };
}

function balancing(balancer: LoadBalancer): Cluster {
  switch (balancer.kind) {
    case "round-robin":
      return { lbPolicy: "ROUND_ROBIN" };
    case "least-request":
    // Where the client's choice of endpoint cannot be kept, there is the default.
    case "passthrough":
      return { lbPolicy: "LEAST_REQUEST" };
    case "random":
      return { lbPolicy: "RANDOM" };
    case "consistent-hash":
      return balancer.algorithm === "maglev"
        ? {
            lbPolicy: "MAGLEV",
            ...(balancer.tableSize !== undefined && {
              maglevLbConfig: { tableSize: balancer.tableSize },
            }),
          }
        : {
            lbPolicy: "RING_HASH",
            ringHashLbConfig: { minimumRingSize: balancer.minimumRingSize ?? MINIMUM_RING_SIZE },
          };
  }
}
