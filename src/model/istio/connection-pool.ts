import type { DestinationRuleSpecTrafficPolicyConnectionPool } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import type { ConnectionPool } from "../ir/traffic.ts";
import { lowerDuration, lowerNumber, type Site } from "./site.ts";

type Spec = DestinationRuleSpecTrafficPolicyConnectionPool;

/** Envoy counts in 32 bits. */
const COUNT = [0, 2 ** 32 - 1] as const;
const STREAMS = [0, 2 ** 31 - 1] as const;
/** Linux opens no connection with another number of keepalive probes. */
const PROBES = [0, 127] as const;

/** A bound; 0 is none, as is an unset field. */
const lowerBound = (...args: Parameters<typeof lowerNumber>): number | undefined =>
  lowerNumber(...args) || undefined;

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
    maxConnections: lowerBound(tcp.maxConnections, COUNT, `${path}.maxConnections`, site),
    maxConnectionDurationMs: ms(tcp.maxConnectionDuration, "maxConnectionDuration"),
    tcpIdleTimeoutMs: ms(tcp.idleTimeout, "idleTimeout"),
    keepalive:
      keepalive &&
      defined({
        probes: lowerBound(keepalive.probes, PROBES, `${path}.tcpKeepalive.probes`, site),
        timeMs: ms(keepalive.time, "tcpKeepalive.time"),
        intervalMs: ms(keepalive.interval, "tcpKeepalive.interval"),
      }),
  });
}

function httpPool(http: NonNullable<Spec["http"]>, path: string, site: Site): ConnectionPool {
  const count = (value: number | undefined, field: string): number | undefined =>
    lowerBound(value, COUNT, `${path}.${field}`, site);
  return defined({
    maxPendingRequests: count(http.http1MaxPendingRequests, "http1MaxPendingRequests"),
    maxRequests: count(http.http2MaxRequests, "http2MaxRequests"),
    maxRetries: count(http.maxRetries, "maxRetries"),
    maxRequestsPerConnection: count(http.maxRequestsPerConnection, "maxRequestsPerConnection"),
    maxConcurrentStreams: lowerBound(
      http.maxConcurrentStreams,
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
