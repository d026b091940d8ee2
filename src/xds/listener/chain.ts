/** What becomes of a connection: bytes to a cluster, or requests by a route configuration. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { Filter } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { TcpProxy } from "../../proto/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { typed } from "../../proto/types.ts";
import { ADS } from "../config-source.ts";
import { forwardFilter, HTTP_FILTERS } from "../filter/order.ts";
import { accessLog } from "./access-log.ts";

/** Where bytes go: a cluster or several, and how long they may. */
export type StreamTarget = Pick<
  TcpProxy,
  | "cluster"
  | "weightedClusters"
  | "hashPolicy"
  | "idleTimeout"
  | "maxDownstreamConnectionDuration"
  | "tunnelingConfig"
>;

export function streamFilter(
  settings: MeshSettings,
  target: string | StreamTarget,
  statPrefix = typeof target === "string" ? target : (target.cluster ?? ""),
): Filter {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typedConfig: typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", {
      statPrefix,
      ...(typeof target === "string" ? { cluster: target } : target),
      ...accessLog(settings),
    }),
  };
}

/** Route configurations come over ADS; those of inbound ports say one thing and are written in. */
type Routing = Pick<HttpConnectionManager, "rds"> | Pick<HttpConnectionManager, "routeConfig">;

export const byRds = (name: string): Routing => ({
  rds: { routeConfigName: name, configSource: ADS },
});

export interface Http {
  readonly direction: keyof typeof HTTP_FILTERS;
  readonly statPrefix: string;
  readonly routing: Routing;
  /** Whether any route may lead to a cluster that looks up the names in requests. */
  readonly resolvesNames?: boolean;
}

export function httpFilter(
  settings: MeshSettings,
  { direction, statPrefix, routing, resolvesNames = false }: Http,
): Filter {
  const httpFilters: HttpFilter[] = HTTP_FILTERS[direction].filter(
    (filter) => resolvesNames || filter !== forwardFilter,
  );
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: typed(
      "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      {
        statPrefix,
        ...routing,
        httpFilters,
        ...COMMON,
        ...BY_DIRECTION[direction],
        ...accessLog(settings),
      },
    ),
  };
}

/** A stream may be idle for ever; how long a request may take is for routes to say. */
const COMMON: HttpConnectionManager = {
  streamIdleTimeout: "0s",
  normalizePath: true,
  proxy100Continue: true,
  upgradeConfigs: [{ upgradeType: "websocket" }],
};

/** What clients learn of us, as they know it from Istio. */
const SERVER_NAME = "istio-envoy";

const BY_DIRECTION: Readonly<Record<Http["direction"], HttpConnectionManager>> = {
  outbound: {},
  inbound: {
    serverName: SERVER_NAME,
    // Of a peer without certificate nothing is forwarded, whatever it says of itself.
    forwardClientCertDetails: "APPEND_FORWARD",
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  },
  gateway: {
    serverName: SERVER_NAME,
    // The mesh begins here: what requests say of their origin is not to be believed.
    useRemoteAddress: true,
    forwardClientCertDetails: "SANITIZE_SET",
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  },
};
