/** The one list that says which filter comes before which. */
import type { HttpFilter } from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { typed } from "../../proto/types.ts";
import { DNS_CACHE } from "../cluster/discovery.ts";
import { alpnFilter, corsFilter, faultFilter } from "./traffic.ts";

export const router: HttpFilter = {
  name: "envoy.filters.http.router",
  typedConfig: typed("envoy.extensions.filters.http.router.v3.Router"),
};

/** Says nothing of its own in headers. */
export const quietRouter: HttpFilter = {
  name: router.name ?? "",
  typedConfig: typed("envoy.extensions.filters.http.router.v3.Router", {
    suppressEnvoyHeaders: true,
  }),
};

/** Looks up the host of a request whose cluster goes where requests say, and lets all others pass. */
export const forwardFilter: HttpFilter = {
  name: "envoy.filters.http.dynamic_forward_proxy",
  typedConfig: typed("envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig", {
    dnsCacheConfig: DNS_CACHE,
  }),
};

/** HTTP filters, first to last; what looks names up is there only if any service wants it. */
export const HTTP_FILTERS = {
  outbound: [alpnFilter, faultFilter, corsFilter, forwardFilter, router],
  inbound: [router],
  gateway: [alpnFilter, faultFilter, corsFilter, forwardFilter, router],
} as const;

/** Those that gRPC's own xDS clients have. */
export const GRPC_FILTERS = [faultFilter, router] as const;
