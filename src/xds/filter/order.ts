/** The one list that says which filter comes before which. */
import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import type { HttpFilter } from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { typed } from "../../proto/types.ts";
import { ALPN } from "../tls.ts";

const ALPN_FILTER = "meshwright.alpn";

/**
 * Tells the server that HTTP comes, where it would not know from its port: the value overrides what
 * the cluster's TLS would offer. Off, but for routes that lead to such ports.
 */
const alpn: HttpFilter = {
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

const ENABLED: Route = {
  typedPerFilterConfig: {
    [ALPN_FILTER]: typed("envoy.config.route.v3.FilterConfig", { config: alpn.typedConfig }),
  },
};

export const detectable = (needed: boolean): Route => (needed ? ENABLED : {});

const fault: HttpFilter = {
  name: "envoy.filters.http.fault",
  typedConfig: typed("envoy.extensions.filters.http.fault.v3.HTTPFault"),
};

const cors: HttpFilter = {
  name: "envoy.filters.http.cors",
  typedConfig: typed("envoy.extensions.filters.http.cors.v3.Cors"),
};

const router: HttpFilter = {
  name: "envoy.filters.http.router",
  typedConfig: typed("envoy.extensions.filters.http.router.v3.Router"),
};

/** HTTP filters, first to last. Fault and CORS do nothing until a route configures them. */
export const HTTP_FILTERS = {
  outbound: [alpn, fault, cors, router],
  inbound: [router],
  gateway: [alpn, fault, cors, router],
} as const;
