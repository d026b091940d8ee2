/** Listener filters: what is found out about a connection before it has a filter chain. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type {
  ListenerFilter,
  ListenerFilterChainMatchPredicate,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";

export const ORIGINAL_DST: ListenerFilter = {
  name: "envoy.filters.listener.original_dst",
  typedConfig: typed("envoy.extensions.filters.listener.original_dst.v3.OriginalDst"),
};

const TLS_INSPECTOR: ListenerFilter = {
  name: "envoy.filters.listener.tls_inspector",
  typedConfig: typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"),
};

const HTTP_INSPECTOR: ListenerFilter = {
  name: "envoy.filters.listener.http_inspector",
  typedConfig: typed("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"),
};

/** What the HTTP inspector calls the versions of HTTP that it finds. */
export const PLAIN_HTTP = ["http/1.0", "http/1.1", "h2c"];
export const RAW = "raw_buffer";

/** Wait for the client's first bytes as long as it takes: guessing early would route it wrongly. */
const patience = ({ traffic }: MeshSettings): Inspection => ({
  listenerFiltersTimeout: duration(traffic?.detectionTimeoutMs ?? 0),
  continueOnListenerFiltersTimeout: true,
});

type Inspection = Pick<
  Listener,
  "listenerFilters" | "listenerFiltersTimeout" | "continueOnListenerFiltersTimeout"
>;

/** @param streamPorts where HTTP is not looked for, so that servers may speak first */
export function inspectors(
  settings: MeshSettings,
  first: readonly ListenerFilter[] = [],
  streamPorts: readonly number[] = [],
): Inspection {
  const http: ListenerFilter =
    streamPorts.length === 0
      ? HTTP_INSPECTOR
      : { ...HTTP_INSPECTOR, filterDisabled: anyOf(streamPorts.map(isPort)) };
  return { listenerFilters: [...first, TLS_INSPECTOR, http], ...patience(settings) };
}

/** For listeners that tell connections apart by the name in their TLS greeting alone. */
export const greetingInspector = (settings: MeshSettings): Inspection => ({
  listenerFilters: [TLS_INSPECTOR],
  ...patience(settings),
});

/** A header before all else says who the client is: of a balancer before the gateway. */
export const PROXY_HEADER: ListenerFilter = {
  name: "envoy.filters.listener.proxy_protocol",
  typedConfig: typed("envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"),
};

const isPort = (port: number): ListenerFilterChainMatchPredicate => ({
  destinationPortRange: { start: port, end: port + 1 },
});

/** Envoy wants two or more for an "or". */
function anyOf(rules: ListenerFilterChainMatchPredicate[]): ListenerFilterChainMatchPredicate {
  const [only, ...others] = rules;
  return only !== undefined && others.length === 0 ? only : { orMatch: { rules } };
}
