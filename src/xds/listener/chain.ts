/** What becomes of a connection: bytes to a cluster, or requests by a route configuration. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type {
  Filter,
  FilterChain,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { TcpProxy } from "../../proto/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { typed } from "../../proto/types.ts";
import { ADS } from "../config-source.ts";
import { forwardFilter, HTTP_FILTERS, quietRouter, router } from "../filter/order.ts";
import { accessLog } from "./access-log.ts";
import { type Direction, httpOptions } from "./http-options.ts";

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
  readonly direction: Direction;
  readonly statPrefix: string;
  readonly routing: Routing;
  /** Whether any route may lead to a cluster that looks up the names in requests. */
  readonly resolvesNames?: boolean;
}

export function httpFilter(
  settings: MeshSettings,
  { direction, statPrefix, routing, resolvesNames = false }: Http,
): Filter {
  const isQuiet = settings.traffic?.headers?.envoyHeaders === false;
  const httpFilters: HttpFilter[] = HTTP_FILTERS[direction]
    .filter((filter) => resolvesNames || filter !== forwardFilter)
    .map((filter) => (isQuiet && filter === router ? quietRouter : filter));
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: typed(
      "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      {
        statPrefix,
        ...routing,
        httpFilters,
        ...httpOptions(settings, direction),
        ...accessLog(settings),
      },
    ),
  };
}

/** A chain that takes no more connections than the mesh lets gateways have. */
export function limited({ traffic }: MeshSettings, name: string, chain: FilterChain): FilterChain {
  const maxConnections = traffic?.edge?.maxConnections;
  if (maxConnections === undefined) return chain;
  const limit: Filter = {
    name: "envoy.filters.network.connection_limit",
    typedConfig: typed("envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit", {
      statPrefix: `connection_limit_${name}`,
      maxConnections,
    }),
  };
  return { ...chain, filters: [limit, ...(chain.filters ?? [])] };
}
