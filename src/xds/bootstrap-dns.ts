/**
 * A pod's DNS, if it asked for that: its queries go as they are to a replica of the control plane
 * that says that it is of use to this pod, and to the cluster's resolver while none does.
 */
import { DNS_HEALTH_QUERY, DNS_HEALTH_REPLY, framed } from "../api/dns-health.ts";
import { DNS_SERVICE, PORTS } from "../api/names.ts";
import type { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { HealthCheck } from "../proto/gen/envoy/config/core/v3/health_check.ts";
import type { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";

export interface DnsCapture {
  /** Addresses of the cluster's resolver: queries to these are captured, and no others. */
  readonly resolvers: readonly string[];
  /** Where the control plane answers, when that is not its Service; and where those resolvers do. */
  readonly responder?: { readonly host: string; readonly port: number };
  readonly resolverPort?: number;
}

export interface DnsOptions {
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly dns?: DnsCapture;
}

const DNS_CLUSTER = "dns";
/** How the statistics begin that say where queries go. */
export const DNS_STATS = [`cluster.${DNS_CLUSTER}.`, "udp."];

const DNS_PORT = 53;
/** Longer than a stub resolver waits for an answer. */
const IDLE = "10s";
/** DNS has no larger messages; by default Envoy cuts what is longer than 1,500 bytes. */
const MAX_DATAGRAM_BYTES = 65_535;
/** Each port that an application asks from counts as a connection until it is idle. */
const MAX_SESSIONS = 65_536;

export const dnsClusters = (options: DnsOptions): Cluster[] =>
  options.dns === undefined ? [] : [cluster(options, options.dns)];

function cluster({ namespace, clusterDomain }: DnsOptions, dns: DnsCapture): Cluster {
  const { host, port } = dns.responder ?? {
    host: `${DNS_SERVICE}.${namespace}.svc.${clusterDomain}.`,
    port: PORTS.dns,
  };
  const limits = { maxConnections: MAX_SESSIONS, maxPendingRequests: MAX_SESSIONS };
  return {
    name: DNS_CLUSTER,
    connectTimeout: "1s",
    clusterType: {
      name: "envoy.clusters.dns",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
        dnsLookupFamily: "ALL",
        dnsRefreshRate: "5s",
        respectDnsTtl: true,
        dnsFailureRefreshRate: { baseInterval: "0.5s", maxInterval: "5s" },
      },
    },
    loadAssignment: {
      clusterName: DNS_CLUSTER,
      endpoints: [
        { lbEndpoints: [{ endpoint: { address: socket(host, port) } }] },
        {
          priority: 1,
          lbEndpoints: dns.resolvers.map((address) => ({
            endpoint: {
              address: socket(address, dns.resolverPort ?? DNS_PORT),
              // Nobody vouches for it: it is what the pod would have without us.
              healthCheckConfig: { disableActiveHealthCheck: true },
            },
          })),
        },
      ],
      // One healthy replica of a hundred has all: only it knows the mesh's names.
      policy: { overprovisioningFactor: 10_000 },
    },
    healthChecks: [HEALTH],
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    closeConnectionsOnHostHealthFailure: true,
    circuitBreakers: { thresholds: [limits, { priority: "HIGH", ...limits }] },
  };
}

/** A dead replica is found out before a stub resolver, after 5 s, asks for the first time again. */
const HEALTH: HealthCheck = {
  timeout: "1s",
  interval: "3s",
  noTrafficInterval: "3s",
  unhealthyEdgeInterval: "0.2s",
  unhealthyInterval: "0.5s",
  unhealthyThreshold: 2,
  healthyThreshold: 1,
  tcpHealthCheck: {
    send: { text: framed(DNS_HEALTH_QUERY) },
    receive: [{ text: framed(DNS_HEALTH_REPLY) }],
  },
};

/** On loopback of the families that the resolvers have: there capture redirects to. */
export function dnsListeners({ dns }: DnsOptions): Listener[] {
  const resolvers = dns?.resolvers ?? [];
  const families = new Set(
    resolvers.map((address) => (address.includes(":") ? "::1" : "127.0.0.1")),
  );
  return [...families].flatMap((address) => [datagrams(address), streams(address)]);
}

const socket = (address: string, portValue: number) => ({
  socketAddress: { address, portValue },
});

const datagrams = (address: string): Listener => ({
  name: `dns-udp-${address}`,
  address: { socketAddress: { protocol: "UDP", address, portValue: PORTS.dns } },
  udpListenerConfig: {
    downstreamSocketConfig: { maxRxDatagramSize: MAX_DATAGRAM_BYTES, preferGro: false },
  },
  listenerFilters: [
    {
      name: "envoy.filters.udp_listener.udp_proxy",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig",
        statPrefix: "dns",
        idleTimeout: IDLE,
        matcher: {
          onNoMatch: {
            action: {
              name: "route",
              typedConfig: {
                "@type": "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.Route",
                cluster: DNS_CLUSTER,
              },
            },
          },
        },
        upstreamSocketConfig: { maxRxDatagramSize: MAX_DATAGRAM_BYTES, preferGro: false },
      },
    },
  ],
});

const streams = (address: string): Listener => ({
  name: `dns-tcp-${address}`,
  address: socket(address, PORTS.dns),
  ignoreGlobalConnLimit: true,
  filterChains: [
    {
      filters: [
        {
          name: "envoy.filters.network.tcp_proxy",
          typedConfig: {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            statPrefix: "dns",
            cluster: DNS_CLUSTER,
            idleTimeout: "30s",
            maxConnectAttempts: 3,
          },
        },
      ],
    },
  ],
});
