/** The listeners of a bootstrap that kubelet and Prometheus talk to, and what they lead to. */
import { PORTS } from "../api/names.ts";
import type { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { HealthCheck } from "../proto/gen/envoy/config/core/v3/health_check.ts";
import type { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import type { Route, RouteMatch } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import type { HttpFilter } from "../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { duration } from "../util/duration.ts";

/** A probe that kubelet sends to the proxy, which asks the application on its behalf. */
export interface AppProbe {
  /** Path on the probe port, e.g. `/app-health/web/readyz`. */
  readonly path: string;
  /** Port of the application. */
  readonly port: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly check: HttpCheck | TcpCheck | GrpcCheck;
}

interface HttpCheck {
  readonly kind: "http";
  readonly tls: boolean;
  /** Path and query at the application. */
  readonly path: string;
}

interface TcpCheck {
  readonly kind: "tcp";
}

interface GrpcCheck {
  readonly kind: "grpc";
  readonly service: string;
}

interface LocalOptions {
  readonly podIp: string;
  readonly probes: readonly AppProbe[];
}

const ADMIN_CLUSTER = "admin";

export const localClusters = ({ podIp, probes }: LocalOptions): Cluster[] => [
  staticCluster(ADMIN_CLUSTER, "127.0.0.1", PORTS.admin),
  ...probes.map((probe) => probeCluster(probe, podIp)),
];

/** Bound to the pod's own address: its family is the pod's, and nothing else has to be known. */
export function localListeners({ podIp, probes }: LocalOptions): Listener[] {
  const listener = (name: string, port: number, http: Http): Listener =>
    httpListener({ name, addresses: [...new Set([podIp, "127.0.0.1"])], port }, http);
  // A static listener opens when the first configuration has arrived, so an answer means ready;
  // the admin knows when to say 503 again.
  const readiness = adminRoute("/healthz/ready", "/ready");
  const stats = adminRoute("/stats/prometheus", "/stats/prometheus");
  return [
    listener("readiness", PORTS.readiness, { routes: [readiness], filters: [] }),
    listener("stats", PORTS.stats, { routes: [stats], filters: [] }),
    ...(probes.length > 0 ? [listener("probes", PORTS.probes, probesHttp(probes))] : []),
  ];
}

interface Http {
  readonly routes: Route[];
  readonly filters: HttpFilter[];
}

const get = (path: string): RouteMatch => ({
  path,
  headers: [{ name: ":method", stringMatch: { exact: "GET" } }],
});

const adminRoute = (path: string, prefixRewrite: string): Route => ({
  match: get(path),
  route: { cluster: ADMIN_CLUSTER, prefixRewrite, timeout: "10s" },
});

const clusterName = ({ path }: AppProbe): string => `probe|${path}`;

function probesHttp(probes: readonly AppProbe[]): Http {
  const http: Http = { routes: [], filters: [] };
  for (const probe of probes) {
    if (probe.check.kind === "http") http.routes.push(probeRoute(probe, probe.check));
    else http.filters.push(healthFilter(probe));
  }
  return http;
}

const probeRoute = (probe: AppProbe, check: HttpCheck): Route => ({
  match: get(probe.path),
  route: {
    cluster: clusterName(probe),
    prefixRewrite: check.path,
    timeout: duration(probe.timeoutMs),
  },
  // A redirect is a success for kubelet; following it would lead to paths that are not here.
  responseHeadersToRemove: ["location"],
});

/** Answers 200 or 503 by the health of the probe's cluster, which Envoy checks itself. */
const healthFilter = (probe: AppProbe): HttpFilter => ({
  name: "envoy.filters.http.health_check",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck",
    passThroughMode: false,
    headers: [{ name: ":path", stringMatch: { exact: probe.path } }],
    clusterMinHealthyPercentages: { [clusterName(probe)]: { value: 100 } },
  },
});

/** The application as the mesh reaches it: from 127.0.0.6 or ::6, which capture lets pass. */
function probeCluster(probe: AppProbe, podIp: string): Cluster {
  const health = healthCheck(probe);
  return {
    ...staticCluster(clusterName(probe), podIp, probe.port),
    connectTimeout: duration(probe.timeoutMs),
    upstreamBindConfig: {
      sourceAddress: { address: "127.0.0.6", portValue: 0 },
      extraSourceAddresses: [{ address: { address: "::6", portValue: 0 } }],
    },
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        // As kubelet does it: a connection that the application closed when idle is no failure.
        commonHttpProtocolOptions: { maxRequestsPerConnection: 1 },
        explicitHttpConfig:
          probe.check.kind === "grpc" ? { http2ProtocolOptions: {} } : { httpProtocolOptions: {} },
      },
    },
    // Kubelet does not verify the certificates of what it probes.
    ...(probe.check.kind === "http" && probe.check.tls && { transportSocket: TLS }),
    ...(health && {
      healthChecks: [health],
      waitForWarmOnInit: false,
      altStatName: `${HEALTH_STATS}${probe.path}`,
    }),
  };
}

const TLS = {
  name: "envoy.transport_sockets.tls",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    // As kubelet does it; by default Envoy as a client knows nothing newer than 1.2.
    commonTlsContext: { tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3" } },
  },
};

/** How the statistics begin by which the health filter decides: it needs them kept. */
export const HEALTH_STATS = "probe-health";

const UNHEALTHY_INTERVAL_MS = 500;

function healthCheck({ check, periodMs, timeoutMs }: AppProbe): HealthCheck | undefined {
  if (check.kind === "http") return undefined;
  const interval = duration(periodMs);
  return {
    timeout: duration(timeoutMs),
    interval,
    noTrafficInterval: interval,
    unhealthyInterval: duration(Math.min(periodMs, UNHEALTHY_INTERVAL_MS)),
    // Kubelet counts; here one answer decides.
    healthyThreshold: 1,
    unhealthyThreshold: 1,
    reuseConnection: false,
    ...(check.kind === "tcp"
      ? { tcpHealthCheck: {} }
      : // Envoy would say the cluster's name, which is no host, and servers refuse it.
        { grpcHealthCheck: { serviceName: check.service, authority: "localhost" } }),
  };
}

const staticCluster = (name: string, address: string, portValue: number): Cluster => ({
  name,
  type: "STATIC",
  connectTimeout: "1s",
  loadAssignment: {
    clusterName: name,
    endpoints: [
      { lbEndpoints: [{ endpoint: { address: { socketAddress: { address, portValue } } } }] },
    ],
  },
});

const ROUTER: HttpFilter = {
  name: "envoy.filters.http.router",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
    suppressEnvoyHeaders: true,
  },
};

function httpListener(
  socket: { readonly name: string; readonly addresses: readonly string[]; readonly port: number },
  { routes, filters }: Http,
): Listener {
  const { name, port } = socket;
  const [address, ...additionalAddresses] = socket.addresses.map((one) => ({
    socketAddress: { address: one, portValue: port },
  }));
  return {
    name,
    // Kubelet must be heard however busy the proxy is, and however little memory it has left.
    ignoreGlobalConnLimit: true,
    bypassOverloadManager: true,
    address,
    additionalAddresses: additionalAddresses.map((one) => ({ address: one })),
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              statPrefix: name,
              generateRequestId: false,
              serverHeaderTransformation: "PASS_THROUGH",
              routeConfig: { name, virtualHosts: [{ name, domains: ["*"], routes }] },
              httpFilters: [...filters, ROUTER],
            },
          },
        ],
      },
    ],
  };
}
