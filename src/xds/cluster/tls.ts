import type { Endpoint, Protocol } from "../../model/ir/service.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { TransportSocket } from "../../proto/gen/envoy/config/core/v3/base.ts";
import type { StringMatcher } from "../../proto/gen/envoy/type/matcher/v3/string.ts";
import { type OutboundCluster, serverName } from "../names.ts";
import { ALPN, PLAINTEXT, upstreamMutualTls } from "../tls.ts";
import { isHttp2 } from "./protocol.ts";

/** Key of endpoint metadata by which a cluster chooses its transport socket. */
export const TLS_MODE = "tlsMode";
export const MUTUAL = "istio";

export interface Peers {
  readonly endpoints: readonly Endpoint[];
  readonly trustDomain: string;
  /** Of the service. */
  readonly namespace: string;
}

interface Transport {
  readonly cluster: OutboundCluster;
  readonly protocol: Protocol;
  readonly policy: TrafficPolicy;
  /** Whether the cluster's endpoints carry metadata; the addresses that clients chose do not. */
  readonly metadata: boolean;
}

/** Mutual TLS to the endpoints that take it, unless the policy says otherwise. */
export function transport(
  { cluster, protocol, policy, metadata }: Transport,
  peers: Peers,
): Cluster {
  if (policy.tls === "disable") return {};
  const socket = upstreamMutualTls({
    peers: identities(peers),
    serverName: serverName(cluster),
    alpn: isHttp2(protocol) ? [ALPN.stream, "h2"] : [ALPN.stream],
  });
  if (policy.tls === "mutual") return { transportSocket: socket };
  if (!metadata) return allMutual(peers.endpoints) ? { transportSocket: socket } : {};
  return { transportSocketMatches: byEndpoint(socket) };
}

const byEndpoint = (socket: TransportSocket): Cluster["transportSocketMatches"] => [
  { name: "tlsMode-istio", match: { [TLS_MODE]: MUTUAL }, transportSocket: socket },
  { name: "tlsMode-disabled", match: {}, transportSocket: PLAINTEXT },
];

const allMutual = (endpoints: readonly Endpoint[]): boolean =>
  endpoints.length > 0 && endpoints.every(({ tls }) => tls);

/** The service's own workloads; as long as none is known, those of its namespace. */
function identities({ endpoints, trustDomain, namespace }: Peers): readonly StringMatcher[] {
  const known = [...new Set(endpoints.flatMap(({ identity }) => identity ?? []))].sort();
  return known.length > 0
    ? known.map((exact) => ({ exact }))
    : [{ prefix: `spiffe://${trustDomain}/ns/${namespace}/` }];
}
