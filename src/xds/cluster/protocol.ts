/** How HTTP is spoken to a port, and what that leaves open. */
import type { Protocol } from "../../model/ir/service.ts";
import { originOf } from "../../model/ir/tls-origin.ts";
import type { ConnectionPool, TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Any } from "../../proto/any.ts";
import type { MatchPredicate } from "../../proto/gen/envoy/config/common/matcher/v3/matcher.ts";
import type {
  HttpProtocolOptions as CommonOptions,
  Http2ProtocolOptions,
} from "../../proto/gen/envoy/config/core/v3/protocol.ts";
import type { HttpProtocolOptions } from "../../proto/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";
import { PRESERVE_CASE } from "../http1.ts";

const NAME = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

type Options = { typedExtensionProtocolOptions?: Record<string, Any> };

/** Nothing where Envoy's defaults, HTTP/1.1 without bounds, hold or no HTTP is spoken. */
export function protocolOptions(protocol: Protocol, policy: TrafficPolicy = {}): Options {
  const connections = policy.connections ?? {};
  const more = commonOptions(connections, policy);
  const isMore = Object.keys(more).length > 0 || connections.preserveCase === true;
  const version = httpVersion(protocol, connections, isMore);
  if (version === undefined) return {};
  return { typedExtensionProtocolOptions: { [NAME]: typed(NAME, { ...more, ...version }) } };
}

export const isHttp2 = (protocol: Protocol, { connections = {} }: TrafficPolicy): boolean =>
  versionOf(protocol, connections) === "2";

/** @param explicit whether to say what is the default, as there is more to say */
function httpVersion(
  protocol: Protocol,
  connections: ConnectionPool,
  explicit: boolean,
): HttpProtocolOptions | undefined {
  const http2 = http2Options(connections);
  switch (versionOf(protocol, connections)) {
    case "2":
      return { explicitHttpConfig: http2 };
    case "as-client":
      return { useDownstreamProtocolConfig: { ...http1Options(connections), ...http2 } };
    case "1.1":
      return explicit ? { explicitHttpConfig: http1Options(connections) } : undefined;
  }
}

const http1Options = ({ preserveCase }: ConnectionPool) => ({
  httpProtocolOptions: preserveCase ? PRESERVE_CASE : {},
});

function versionOf(protocol: Protocol, { upgrade }: ConnectionPool): "1.1" | "2" | "as-client" {
  if (protocol === "http2" || protocol === "grpc") return "2";
  if (protocol === "auto") return "as-client";
  if (protocol !== "http" || upgrade === undefined || upgrade === "never") return "1.1";
  return upgrade === "http2" ? "2" : "as-client";
}

function http2Options({ maxConcurrentStreams, http2Keepalive }: ConnectionPool): {
  http2ProtocolOptions: Http2ProtocolOptions;
} {
  return {
    http2ProtocolOptions: {
      ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
      ...(http2Keepalive && {
        connectionKeepalive: {
          interval: duration(http2Keepalive.intervalMs),
          timeout: duration(http2Keepalive.timeoutMs),
        },
      }),
    },
  };
}

function commonOptions(connections: ConnectionPool, policy: TrafficPolicy): HttpProtocolOptions {
  const { outlier } = policy;
  const origin = originOf(policy);
  const common = connectionOptions(connections);
  const codes = outlier?.errorCodes ?? [];
  return {
    ...(Object.keys(common).length > 0 && { commonHttpProtocolOptions: common }),
    // The server is called what the request calls it, and has to prove it.
    ...(origin &&
      origin.sni === undefined && {
        upstreamHttpProtocolOptions: {
          autoSni: true,
          ...(origin.subjectAltNames.length === 0 &&
            !origin.skipVerify && { autoSanValidation: true }),
        },
      }),
    ...(codes.length > 0 && { outlierDetection: { errorMatcher: anyStatus(codes) } }),
  };
}

function connectionOptions(connections: ConnectionPool): CommonOptions {
  const { httpIdleTimeoutMs, tcpIdleTimeoutMs, maxConnectionDurationMs } = connections;
  const idleMs = httpIdleTimeoutMs ?? tcpIdleTimeoutMs;
  return {
    ...(idleMs !== undefined && { idleTimeout: duration(idleMs) }),
    ...(maxConnectionDurationMs !== undefined && {
      maxConnectionDuration: duration(maxConnectionDurationMs),
    }),
    ...(connections.maxRequestsPerConnection !== undefined && {
      maxRequestsPerConnection: connections.maxRequestsPerConnection,
    }),
  };
}

/** Envoy wants two or more for an "or". */
function anyStatus(codes: readonly number[]): MatchPredicate {
  const rules = codes.map(
    (code): MatchPredicate => ({
      httpResponseHeadersMatch: {
        headers: [{ name: ":status", stringMatch: { exact: String(code) } }],
      },
    }),
  );
  const [only, ...others] = rules;
  return only !== undefined && others.length === 0 ? only : { orMatch: { rules } };
}
