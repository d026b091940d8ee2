/** The one list that says which filter comes before which. */
import type { HttpFilter } from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { typed } from "../../proto/types.ts";
import { alpnFilter, corsFilter, faultFilter } from "./traffic.ts";

const router: HttpFilter = {
  name: "envoy.filters.http.router",
  typedConfig: typed("envoy.extensions.filters.http.router.v3.Router"),
};

/** HTTP filters, first to last. */
export const HTTP_FILTERS = {
  outbound: [alpnFilter, faultFilter, corsFilter, router],
  inbound: [router],
  gateway: [alpnFilter, faultFilter, corsFilter, router],
} as const;
