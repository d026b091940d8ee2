import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { Peers, Protocol, Service } from "../../model/ir/service.ts";
import { originOf } from "../../model/ir/tls-origin.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { TransportSocket } from "../../proto/gen/envoy/config/core/v3/base.ts";
import type { StringMatcher } from "../../proto/gen/envoy/type/matcher/v3/string.ts";
import { typed } from "../../proto/types.ts";
import { MUTUAL, TLS_MODE } from "../load-assignment.ts";
import { type OutboundCluster, serverName, type Takers } from "../names.ts";
import { ALPN, PLAINTEXT, upstreamMutualTls } from "../tls.ts";
import { originatedTls } from "./origination.ts";
import { mutualOf } from "./policy.ts";
import { isHttp2 } from "./protocol.ts";

interface Transport {
  readonly cluster: OutboundCluster;
  readonly service: Service;
  readonly protocol: Protocol;
  readonly settings: MeshSettings;
  readonly policy: TrafficPolicy;
  /** Whether the cluster's endpoints carry metadata; the addresses that clients chose do not. */
  readonly metadata: boolean;
}

/** Mutual TLS to the endpoints that take it, unless the policy says otherwise. */
export function transport(to: Transport, peers: Peers): Cluster {
  const { policy } = to;
  const http2 = isHttp2(to.protocol, policy);
  const origin = originOf(policy);
  if (origin !== undefined)
    return { transportSocket: announced(originatedTls(to.settings, origin, http2), policy) };
  if (isPlaintext(to)) return plain(policy);
  const { sni, subjectAltNames } = mutualOf(policy) ?? {};
  const socket = upstreamMutualTls({
    settings: to.settings,
    peers: subjectAltNames?.map((exact) => ({ exact })) ?? identities(to, peers),
    serverName: sni ?? serverName(to.cluster),
    alpn: http2 ? [ALPN.stream, "h2"] : [ALPN.stream],
  });
  return automatic(to, { socket: announced(socket, policy), peers });
}

/** What is outside takes no TLS of the mesh, unless the policy says that it does. */
const isPlaintext = ({ policy, service }: Transport): boolean =>
  policy.tls === "disable" || (service.external === true && mutualOf(policy) === undefined);

/**
 * Where some endpoints take mutual TLS they say so, and the others get the cluster's own socket. Where
 * none or all do there is nothing to tell apart, and others go by another name: it is half a cluster.
 */
function automatic(
  { policy, metadata }: Transport,
  { socket, peers }: { socket: TransportSocket; peers: Peers },
): Cluster {
  if (mutualOf(policy) !== undefined) return { transportSocket: socket };
  const plaintext = plain(policy);
  switch (takersAmong(peers)) {
    case "none":
      return plaintext;
    case "all":
      return { transportSocket: socket };
    case "some":
      return metadata ? { ...plaintext, transportSocketMatches: byEndpoint(socket) } : plaintext;
  }
}

export function takersAmong({ anyMutual, allMutual }: Peers): Takers {
  if (!anyMutual) return "none";
  return allMutual ? "all" : "some";
}

/** Envoy's default, unless there is something to be said before all else. */
const plain = (policy: TrafficPolicy): Cluster =>
  policy.proxyProtocol === undefined ? {} : { transportSocket: announced(PLAINTEXT, policy) };

/** Tells the server who the client is, by a header before all else. */
function announced(
  transportSocket: TransportSocket,
  { proxyProtocol }: TrafficPolicy,
): TransportSocket {
  if (proxyProtocol === undefined) return transportSocket;
  return {
    name: "envoy.transport_sockets.upstream_proxy_protocol",
    typedConfig: typed(
      "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
      { config: { version: proxyProtocol === 2 ? "V2" : "V1" }, transportSocket },
    ),
  };
}

const byEndpoint = (transportSocket: TransportSocket): Cluster["transportSocketMatches"] => [
  { name: "tlsMode-istio", match: { [TLS_MODE]: MUTUAL }, transportSocket },
];

/** Those that the service names, and its own workloads; as long as none is known, all of its namespace. */
function identities(
  { service: { subjectAltNames = [], namespace }, settings }: Transport,
  peers: Peers,
): readonly StringMatcher[] {
  const known = new Set([...subjectAltNames, ...peers.identities]);
  return known.size > 0
    ? [...known].map((exact) => ({ exact }))
    : [{ prefix: `spiffe://${settings.trustDomain}/ns/${namespace}/` }];
}
