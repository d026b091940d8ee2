/** HTTP filters that act on the requests of single routes, and do nothing for all others. */
import type { Cors, Fault } from "../../model/ir/route.ts";
import type { Any } from "../../proto/any.ts";
import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import type { HttpFilter } from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { FractionalPercent } from "../../proto/gen/envoy/type/v3/percent.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";
import { stringMatcher } from "../route/match.ts";
import { ALPN } from "../tls.ts";

const FAULT = "envoy.filters.http.fault";
const CORS = "envoy.filters.http.cors";
const ALPN_FILTER = "meshwright.alpn";

export const faultFilter: HttpFilter = {
  name: FAULT,
  typedConfig: typed("envoy.extensions.filters.http.fault.v3.HTTPFault"),
};

export const corsFilter: HttpFilter = {
  name: CORS,
  typedConfig: typed("envoy.extensions.filters.http.cors.v3.Cors"),
};

/**
 * Tells the server that HTTP comes, where it would not know from its port: the value overrides what
 * the cluster's TLS would offer. Off, but for routes that lead to such ports.
 */
export const alpnFilter: HttpFilter = {
  name: ALPN_FILTER,
  disabled: true,
  typedConfig: typed("envoy.extensions.filters.http.set_filter_state.v3.Config", {
    onRequestHeaders: [
      {
        objectKey: "envoy.network.application_protocols",
        formatString: { textFormatSource: { inlineString: ALPN.http } },
        sharedWithUpstream: "ONCE",
      },
    ],
  }),
};

export interface RouteFilters {
  readonly fault?: Fault | undefined;
  readonly cors?: Cors | undefined;
  /** Whether a destination finds out by ALPN what it is sent. */
  readonly detected?: boolean;
}

/** What a route says to the filters that its requests pass. */
export function routeFilters({ fault, cors, detected }: RouteFilters): Route {
  const typedPerFilterConfig: Record<string, Any> = {
    ...(detected && { [ALPN_FILTER]: ALPN_ON }),
    ...(cors && { [CORS]: corsPolicy(cors) }),
    ...(fault && { [FAULT]: httpFault(fault) }),
  };
  return Object.keys(typedPerFilterConfig).length === 0 ? {} : { typedPerFilterConfig };
}

const ALPN_ON = typed("envoy.config.route.v3.FilterConfig", { config: alpnFilter.typedConfig });

function httpFault({ delay, abort }: Fault): Any {
  return typed("envoy.extensions.filters.http.fault.v3.HTTPFault", {
    ...(delay && {
      delay: { fixedDelay: duration(delay.ms), percentage: fraction(delay.percent) },
    }),
    ...(abort && {
      abort: {
        ...(abort.status.kind === "http"
          ? { httpStatus: abort.status.code }
          : { grpcStatus: abort.status.code }),
        percentage: fraction(abort.percent),
      },
    }),
  });
}

function corsPolicy(cors: Cors): Any {
  const { origins, methods, headers, exposeHeaders, maxAgeMs, credentials, forwardUnmatched } =
    cors;
  return typed("envoy.extensions.filters.http.cors.v3.CorsPolicy", {
    allowOriginStringMatch: origins.flatMap((origin) =>
      origin.kind === "present" ? { safeRegex: { regex: ".*" } } : stringMatcher(origin),
    ),
    ...(methods.length > 0 && { allowMethods: methods.join(",") }),
    ...(headers.length > 0 && { allowHeaders: headers.join(",") }),
    ...(exposeHeaders.length > 0 && { exposeHeaders: exposeHeaders.join(",") }),
    ...(maxAgeMs !== undefined && { maxAge: String(Math.round(maxAgeMs / 1000)) }),
    ...(credentials !== undefined && { allowCredentials: credentials }),
    forwardNotMatchingPreflights: forwardUnmatched,
  });
}

/** Envoy counts in millionths at the finest. */
export const fraction = (percent: number): FractionalPercent => ({
  numerator: Math.round(percent * 10_000),
  denominator: "MILLION",
});
