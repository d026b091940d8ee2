import type { DestinationRuleSpecTrafficPolicyConnectionPool } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import type { ConnectionPool } from "../ir/traffic.ts";
import { lowerDuration, lowerNumber, type Site } from "./site.ts";

type Spec = DestinationRuleSpecTrafficPolicyConnectionPool;

/** Envoy counts in 32 bits. */
const COUNT = [0, 2 ** 32 - 1] as const;
/** Envoy refuses an HTTP/2 connection without room for a stream. */
const STREAMS = [1, 2 ** 31 - 1] as const;

export function lowerConnectionPool(
  { http = {}, tcp = {} }: Spec,
  path: string,
  site: Site,
): ConnectionPool {
  return { ...tcpPool(tcp, `${path}.tcp`, site), ...httpPool(http, `${path}.http`, site) };
}

function tcpPool(tcp: NonNullable<Spec["tcp"]>, path: string, site: Site): ConnectionPool {
  const { tcpKeepalive: keepalive } = tcp;
  const ms = (text: string | undefined, field: string): number | undefined =>
    lowerDuration(text, `${path}.${field}`, site);
  return defined({
    connectTimeoutMs: ms(tcp.connectTimeout, "connectTimeout"),
    maxConnections: lowerNumber(tcp.maxConnections, COUNT, `${path}.maxConnections`, site),
    maxConnectionDurationMs: ms(tcp.maxConnectionDuration, "maxConnectionDuration"),
    tcpIdleTimeoutMs: ms(tcp.idleTimeout, "idleTimeout"),
    keepalive:
      keepalive &&
      defined({
        probes: lowerNumber(keepalive.probes, COUNT, `${path}.tcpKeepalive.probes`, site),
        timeMs: ms(keepalive.time, "tcpKeepalive.time"),
        intervalMs: ms(keepalive.interval, "tcpKeepalive.interval"),
      }),
  });
}

function httpPool(http: NonNullable<Spec["http"]>, path: string, site: Site): ConnectionPool {
  const count = (value: number | undefined, field: string, range = COUNT): number | undefined =>
    lowerNumber(value, range, `${path}.${field}`, site);
  return defined({
    maxPendingRequests: count(http.http1MaxPendingRequests, "http1MaxPendingRequests"),
    maxRequests: count(http.http2MaxRequests, "http2MaxRequests"),
    maxRetries: count(http.maxRetries, "maxRetries"),
    maxRequestsPerConnection: count(http.maxRequestsPerConnection, "maxRequestsPerConnection"),
    maxConcurrentStreams: lowerNumber(
      // 0 is the default, which an unset field is, too.
      http.maxConcurrentStreams || undefined,
      STREAMS,
      `${path}.maxConcurrentStreams`,
      site,
    ),
    httpIdleTimeoutMs: lowerDuration(http.idleTimeout, `${path}.idleTimeout`, site),
    http2Keepalive: http2Keepalive(http, path, site),
    upgrade: upgrade(http),
  });
}

function http2Keepalive(
  { http2KeepAlive: spec }: NonNullable<Spec["http"]>,
  path: string,
  site: Site,
): ConnectionPool["http2Keepalive"] {
  const intervalMs = lowerDuration(spec?.interval, `${path}.http2KeepAlive.interval`, site);
  const timeoutMs = lowerDuration(spec?.timeout, `${path}.http2KeepAlive.timeout`, site);
  return intervalMs === undefined || timeoutMs === undefined
    ? undefined
    : { intervalMs, timeoutMs };
}

function upgrade({
  useClientProtocol,
  h2UpgradePolicy,
}: NonNullable<Spec["http"]>): ConnectionPool["upgrade"] {
  if (useClientProtocol === true) return "as-client";
  if (h2UpgradePolicy === "DO_NOT_UPGRADE") return "never";
  return h2UpgradePolicy === "UPGRADE" ? "http2" : undefined;
}
