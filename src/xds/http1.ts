import type { Http1ProtocolOptions } from "../proto/gen/envoy/config/core/v3/protocol.ts";
import { typed } from "../proto/types.ts";

/** Names of headers stay as they came; by itself Envoy writes them small. */
export const PRESERVE_CASE: Http1ProtocolOptions = {
  headerKeyFormat: {
    statefulFormatter: {
      name: "preserve_case",
      typedConfig: typed(
        "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
      ),
    },
  },
};
