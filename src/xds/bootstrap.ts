/**
 * The static half of a proxy's configuration: how it reaches the control plane, and the listeners
 * that must work without it. Complete when it is written into the pod: no agent fills anything in.
 */
import { controlPlaneDnsNames, PORTS, PROXY_DIRECTORY, XDS_CLUSTER } from "../api/names.ts";
import type { Bootstrap } from "../proto/gen/envoy/config/bootstrap/v3/bootstrap.ts";
import type { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { TransportSocket } from "../proto/gen/envoy/config/core/v3/base.ts";
import type { ConfigSource } from "../proto/gen/envoy/config/core/v3/config_source.ts";
import type { OverloadManager } from "../proto/gen/envoy/config/overload/v3/overload.ts";
import type { StringMatcher } from "../proto/gen/envoy/type/matcher/v3/string.ts";
import { DNS_STATS, type DnsCapture, dnsClusters, dnsListeners } from "./bootstrap-dns.ts";
import { type AppProbe, HEALTH_STATS, localClusters, localListeners } from "./bootstrap-local.ts";

/** Files of the proxy's directory: the pod's token, and the mesh's roots as an SDS resource. */
export const TOKEN_FILE = "token";
export const ROOT_SDS_FILE = "root-sds.json";

export interface BootstrapOptions {
  /** Namespace of the control plane. */
  readonly namespace: string;
  readonly clusterDomain: string;
  /** Address on which the pod can be reached: the static listeners bind to it and to loopback. */
  readonly podIp: string;
  /** The application's probes, as the injector rewrote them. */
  readonly probes: readonly AppProbe[];
  /** Memory limit of the container; near it the proxy sheds load instead of being killed. */
  readonly memoryLimitBytes?: number;
  readonly stats?: StatsInclusion;
  /** Absent: the pod's DNS is left alone. */
  readonly dns?: DnsCapture;
  /** Where the token and the roots are mounted. */
  readonly directory?: string;
  /** Address of the control plane, when it is not the Service of its namespace. */
  readonly controlPlane?: { readonly host: string; readonly port: number };
}

/** Statistics to keep beside those always kept, as Istio's `sidecar.istio.io/stats…` name them. */
export interface StatsInclusion {
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  readonly regexes: readonly string[];
}

export const ADMIN: Bootstrap["admin"] = {
  address: { socketAddress: { address: "127.0.0.1", portValue: PORTS.admin } },
};

/**
 * The bootstrap of a sidecar or gateway, in Envoy's JSON.
 *
 * Without `initialFetchTimeout: 0s` Envoy would declare itself ready after 15 s with no
 * configuration at all.
 */
export function bootstrap(options: BootstrapOptions): Bootstrap {
  const ads: ConfigSource = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" };
  return {
    admin: ADMIN,
    dynamicResources: {
      ldsConfig: ads,
      cdsConfig: ads,
      adsConfig: {
        apiType: "DELTA_GRPC",
        transportApiVersion: "V3",
        // The node lists every extension of this Envoy: 30 kB, and nobody reads them.
        setNodeOnFirstMessageOnly: true,
        grpcServices: [
          {
            envoyGrpc: {
              clusterName: XDS_CLUSTER,
              retryPolicy: { retryBackOff: { baseInterval: "0.2s", maxInterval: "5s" } },
            },
          },
        ],
      },
    },
    staticResources: {
      clusters: [controlPlaneCluster(options), ...localClusters(options), ...dnsClusters(options)],
      listeners: [...localListeners(options), ...dnsListeners(options)],
    },
    layeredRuntime: {
      layers: [
        // Envoy's own limit of 100 refuses regexes that users of Istio have in use.
        { name: "static", staticLayer: { "re2.max_program_size.error_level": 32768 } },
        { name: "admin", adminLayer: {} },
      ],
    },
    ...stats(options.stats, options.dns === undefined ? [] : DNS_STATS),
    overloadManager: overload(options.memoryLimitBytes),
  };
}

/**
 * The mesh's roots in the form in which Envoy watches them. They are in the file itself: one that
 * named another file would need a second watch.
 */
export const rootSds = (bundlePem: string): string =>
  JSON.stringify({
    resources: [
      {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        name: "root",
        validationContext: { trustedCa: { inlineString: bundlePem } },
      },
    ],
  });

export function controlPlaneCluster(options: BootstrapOptions): Cluster {
  const [serverName = "", fullName] = controlPlaneDnsNames(
    options.namespace,
    options.clusterDomain,
  );
  // The trailing dot spares the resolver the pod's search domains.
  const { host, port } = options.controlPlane ?? { host: `${fullName}.`, port: PORTS.xds };
  const directory = options.directory ?? PROXY_DIRECTORY;
  return {
    name: XDS_CLUSTER,
    connectTimeout: "5s",
    clusterType: {
      name: "envoy.clusters.dns",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
        dnsLookupFamily: "ALL",
        respectDnsTtl: true,
        dnsFailureRefreshRate: { baseInterval: "0.2s", maxInterval: "5s" },
      },
    },
    loadAssignment: {
      clusterName: XDS_CLUSTER,
      endpoints: [
        {
          lbEndpoints: [
            { endpoint: { address: { socketAddress: { address: host, portValue: port } } } },
          ],
        },
      ],
    },
    transportSocket: controlPlaneTls(serverName, directory),
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2WithToken(directory),
    },
  };
}

const controlPlaneTls = (serverName: string, directory: string): TransportSocket => ({
  name: "envoy.transport_sockets.tls",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    sni: serverName,
    commonTlsContext: {
      alpnProtocols: ["h2"],
      tlsParams: {
        tlsMinimumProtocolVersion: "TLSv1_3",
        tlsMaximumProtocolVersion: "TLSv1_3",
      },
      combinedValidationContext: {
        // Every workload has a certificate of the same root: only the name tells it from ours.
        defaultValidationContext: {
          matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: serverName } }],
        },
        validationContextSdsSecretConfig: {
          name: "root",
          sdsConfig: {
            pathConfigSource: {
              path: `${directory}/${ROOT_SDS_FILE}`,
              watchedDirectory: { path: directory },
            },
            resourceApiVersion: "V3",
          },
        },
      },
    },
  },
});

/**
 * Each stream carries the token of the moment. An SDS secret would do it too, with two watches;
 * they are few on a node, where all sidecars are one user (docs/adr/0002-one-watch-per-proxy.md).
 */
const sendToken = (file: string): string => `function envoy_on_request(handle)
  local file = assert(io.open(${JSON.stringify(file)}))
  handle:headers():replace("authorization", "Bearer " .. file:read("*l"))
  file:close()
end
`;

/** HTTP/2 that finds out when its peer is gone, and sends the pod's token with each stream. */
const http2WithToken = (directory: string) => ({
  "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
  explicitHttpConfig: {
    http2ProtocolOptions: { connectionKeepalive: { interval: "30s", timeout: "10s" } },
  },
  httpFilters: [
    {
      name: "envoy.filters.http.lua",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        defaultSourceCode: { inlineString: sendToken(`${directory}/${TOKEN_FILE}`) },
      },
    },
    {
      name: "envoy.filters.http.upstream_codec",
      typedConfig: {
        "@type":
          "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
      },
    },
  ],
});

/** Kept always; a cluster's own statistics would grow with the mesh, and are left to inclusions. */
const KEPT_STATS = [
  "cluster_manager.",
  "listener.",
  "listener_manager.",
  "control_plane.",
  "server.",
  "sds.",
  "http.",
  "istio",
  `cluster.${XDS_CLUSTER}.`,
  `cluster.${HEALTH_STATS}`,
];

export function stats(
  more: StatsInclusion = { prefixes: [], suffixes: [], regexes: [] },
  others: readonly string[] = [],
): Bootstrap {
  const patterns: StringMatcher[] = [
    ...[...KEPT_STATS, ...others, ...more.prefixes].map((prefix) => ({ prefix })),
    ...more.suffixes.map((suffix) => ({ suffix })),
    ...more.regexes.map((regex) => ({ safeRegex: { regex } })),
  ];
  return {
    statsConfig: { statsMatcher: { inclusionList: { patterns } } },
    deferredStatOptions: { enableDeferredCreationStats: true },
    // Only Prometheus reads them: no timer walks all counters.
    statsFlushOnAdmin: true,
  };
}

/** A connection costs more than this, so memory is what gives out first. */
const BYTES_PER_CONNECTION = 16 * 1024;
const NO_LIMIT = 2 ** 31 - 1;

export function overload(memoryLimitBytes: number | undefined): OverloadManager {
  const heap = "envoy.resource_monitors.fixed_heap";
  const connections = "envoy.resource_monitors.global_downstream_max_connections";
  const config = "type.googleapis.com/envoy.extensions.resource_monitors";
  const limit: OverloadManager = {
    refreshInterval: "0.25s",
    resourceMonitors: [
      {
        name: connections,
        typedConfig: {
          "@type": `${config}.downstream_connections.v3.DownstreamConnectionsConfig`,
          maxActiveDownstreamConnections: memoryLimitBytes
            ? Math.ceil(memoryLimitBytes / BYTES_PER_CONNECTION)
            : NO_LIMIT,
        },
      },
    ],
  };
  if (memoryLimitBytes === undefined) return limit;
  const action = (name: string, value: number) => ({
    name: `envoy.overload_actions.${name}`,
    triggers: [{ name: heap, threshold: { value } }],
  });
  return {
    ...limit,
    resourceMonitors: [
      ...(limit.resourceMonitors ?? []),
      {
        name: heap,
        typedConfig: {
          "@type": `${config}.fixed_heap.v3.FixedHeapConfig`,
          maxHeapSizeBytes: Math.ceil(memoryLimitBytes * 0.95),
        },
      },
    ],
    actions: [action("shrink_heap", 0.9), action("stop_accepting_requests", 0.97)],
  };
}
