import type { MeshSettings } from "../../model/ir/mesh.ts";
import type {
  Balancing,
  DestinationPolicy,
  LoadBalancer,
  MutualTls,
  PortPolicy,
  TrafficPolicy,
} from "../../model/ir/traffic.ts";
import type {
  Cluster,
  Cluster_SlowStartConfig,
} from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { Percent } from "../../proto/gen/envoy/type/v3/percent.ts";
import { defined } from "../../util/defined.ts";
import { duration } from "../../util/duration.ts";
import { type Nearness, weighsPlaces } from "../locality.ts";
import { circuitBreakers, keepalive, outlierDetection } from "./limits.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const MINIMUM_RING_SIZE = 1024;
const WARMUP = { minimumPercent: 10, aggression: 1 };

/** The policy for one port of a host or of one of its subsets. */
export function effectivePolicy(
  destination: DestinationPolicy | undefined,
  port: number,
  subset?: string,
): TrafficPolicy {
  const own = destination?.subsets.find(({ name }) => name === subset)?.policy;
  const whole = over({}, destination?.policy ?? {}, port);
  return own === undefined ? whole : over(whole, own, port);
}

/** Group by group; what is said of the port replaces all groups that can be, also by leaving them out. */
function over(base: TrafficPolicy, { ports, ...own }: TrafficPolicy, port: number): TrafficPolicy {
  const both = { ...base, ...own };
  const atPort = ports?.[port];
  if (atPort === undefined) return both;
  const { retryBudget, proxyProtocol, tunnel } = both;
  return defined({ retryBudget, proxyProtocol, tunnel, ...atPort });
}

/** The mesh's own TLS, if the policy asks for it. */
export function mutualOf({ tls }: PortPolicy): MutualTls | undefined {
  if (tls === "mutual") return { mesh: true };
  return typeof tls === "object" && "mesh" in tls ? tls : undefined;
}

/** What the mesh says where the policy is silent: of connections field by field. */
export function overDefaults(
  { traffic = {} }: Pick<MeshSettings, "traffic">,
  policy: TrafficPolicy,
): TrafficPolicy {
  const { outlier, explicitMtls } = traffic;
  const connections = {
    ...traffic.connections,
    ...(traffic.headers?.preserveCase && { preserveCase: true }),
    ...policy.connections,
  };
  return {
    ...(outlier && { outlier }),
    ...(explicitMtls && { tls: "disable" as const }),
    ...policy,
    ...(Object.keys(connections).length > 0 && { connections }),
  };
}

/** Of what the mesh says of connections, what there is to say of those to an application. */
export function inboundPolicy(
  { traffic = {} }: Pick<MeshSettings, "traffic">,
  own: TrafficPolicy = {},
): TrafficPolicy {
  const { connectTimeoutMs, keepalive: alive } = traffic.connections ?? {};
  const connections = {
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
    ...(alive && { keepalive: alive }),
    ...(traffic.headers?.preserveCase && { preserveCase: true }),
    ...own.connections,
  };
  return Object.keys(connections).length === 0 ? own : { ...own, connections };
}

/** The parts of any cluster that a DestinationRule decides. */
export function clusterPolicy(policy: TrafficPolicy): Cluster {
  return {
    connectTimeout: duration(policy.connections?.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
    ...circuitBreakers(policy),
    ...keepalive(policy.connections ?? {}),
  };
}

/** Those of a cluster that chooses among endpoints. */
export function balancingPolicy(
  { balancing = {}, outlier }: TrafficPolicy,
  nearness: Nearness | undefined,
): Cluster {
  const { balancer = { kind: "least-request" }, warmup } = balancing;
  return {
    ...algorithm(balancer, warmup),
    ...outlierDetection(outlier),
    // What is listed as unhealthy is draining or ejected: spreading load over it helps nobody.
    commonLbConfig: {
      healthyPanicThreshold: percent(outlier?.minHealthPercent ?? 0),
      ...(weighsPlaces(nearness) && { localityWeightedLbConfig: {} }),
    },
  };
}

/** Zero is what an empty one means, in nine bytes less. */
const percent = (value: number): Percent => (value === 0 ? {} : { value });

function algorithm(balancer: LoadBalancer, warmup: Balancing["warmup"]): Cluster {
  switch (balancer.kind) {
    case "round-robin":
      return {
        lbPolicy: "ROUND_ROBIN",
        ...(warmup && { roundRobinLbConfig: { slowStartConfig: slowStart(warmup) } }),
      };
    case "least-request":
    // Where the client's choice of endpoint cannot be kept, there is the default.
    case "passthrough":
      return {
        lbPolicy: "LEAST_REQUEST",
        ...(warmup && { leastRequestLbConfig: { slowStartConfig: slowStart(warmup) } }),
      };
    case "random":
      return { lbPolicy: "RANDOM" };
    case "consistent-hash":
      return hashing(balancer);
  }
}

function slowStart({
  ms,
  minimumPercent = WARMUP.minimumPercent,
  aggression = WARMUP.aggression,
}: NonNullable<Balancing["warmup"]>): Cluster_SlowStartConfig {
  return {
    slowStartWindow: duration(ms),
    minWeightPercent: { value: minimumPercent },
    aggression: { defaultValue: aggression, runtimeKey: "" },
  };
}

function hashing({
  algorithm: kind,
  tableSize,
  minimumRingSize = MINIMUM_RING_SIZE,
}: Extract<LoadBalancer, { kind: "consistent-hash" }>): Cluster {
  if (kind === "ring-hash") return { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize } };
  return {
    lbPolicy: "MAGLEV",
    ...(tableSize !== undefined && { maglevLbConfig: { tableSize } }),
  };
}
