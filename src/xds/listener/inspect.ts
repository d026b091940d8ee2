/** Listener filters: what is found out about a connection before it has a filter chain. */
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type {
  ListenerFilter,
  ListenerFilterChainMatchPredicate,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { typed } from "../../proto/types.ts";

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
const PATIENCE: Listener = { listenerFiltersTimeout: "0s", continueOnListenerFiltersTimeout: true };

type Inspection = Pick<
  Listener,
  "listenerFilters" | "listenerFiltersTimeout" | "continueOnListenerFiltersTimeout"
>;

/** @param streamPorts where HTTP is not looked for, so that servers may speak first */
export function inspectors(
  first: readonly ListenerFilter[] = [],
  streamPorts: readonly number[] = [],
): Inspection {
  const http: ListenerFilter =
    streamPorts.length === 0
      ? HTTP_INSPECTOR
      : { ...HTTP_INSPECTOR, filterDisabled: anyOf(streamPorts.map(isPort)) };
  return { listenerFilters: [...first, TLS_INSPECTOR, http], ...PATIENCE };
}

/** For listeners that tell connections apart by the name in their TLS greeting alone. */
export const greetingInspector: Inspection = { listenerFilters: [TLS_INSPECTOR], ...PATIENCE };

const isPort = (port: number): ListenerFilterChainMatchPredicate => ({
  destinationPortRange: { start: port, end: port + 1 },
});

/** Envoy wants two or more for an "or". */
function anyOf(rules: ListenerFilterChainMatchPredicate[]): ListenerFilterChainMatchPredicate {
  const [only, ...others] = rules;
  return only !== undefined && others.length === 0 ? only : { orMatch: { rules } };
}
