import type { Protocol } from "../../model/ir/service.ts";
import type { Any } from "../../proto/any.ts";
import type { HttpProtocolOptions } from "../../proto/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { typed } from "../../proto/types.ts";

const NAME = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** How HTTP is spoken to a port; absent where Envoy's default, HTTP/1.1, holds or none is spoken. */
export function protocolOptions(
  protocol: Protocol,
): { typedExtensionProtocolOptions: Record<string, Any> } | undefined {
  const options = httpOptions(protocol);
  return options && { typedExtensionProtocolOptions: { [NAME]: typed(NAME, options) } };
}

function httpOptions(protocol: Protocol): HttpProtocolOptions | undefined {
  switch (protocol) {
    case "http2":
    case "grpc":
      return { explicitHttpConfig: { http2ProtocolOptions: {} } };
    case "auto":
      return { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } };
    case "http":
    case "https":
    case "tls":
    case "tcp":
      return undefined;
  }
}

export const isHttp2 = (protocol: Protocol): boolean => protocol === "http2" || protocol === "grpc";
