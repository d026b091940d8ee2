/** How requests are taken, by where they come from and as the mesh's settings say. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { EdgeLimits, PathNormalization, ProxyHeaders } from "../../model/ir/mesh-traffic.ts";
import type { HttpProtocolOptions } from "../../proto/gen/envoy/config/core/v3/protocol.ts";
import type { HttpConnectionManager } from "../../proto/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { duration } from "../../util/duration.ts";
import type { HTTP_FILTERS } from "../filter/order.ts";
import { PRESERVE_CASE } from "../http1.ts";

export type Direction = keyof typeof HTTP_FILTERS;

/** What clients learn of us, as they know it from Istio. */
const SERVER_NAME = "istio-envoy";

export function httpOptions(
  { traffic = {} }: MeshSettings,
  direction: Direction,
): HttpConnectionManager {
  const { headers = {}, paths = "base", edge = {}, gateways = {} } = traffic;
  const isGateway = direction === "gateway";
  return {
    // A stream may be idle for ever; how long a request may take is for routes to say.
    streamIdleTimeout: "0s",
    proxy100Continue: true,
    upgradeConfigs: [{ upgradeType: "websocket" }],
    ...PATHS[paths],
    ...BY_DIRECTION[direction],
    ...(direction !== "outbound" && served(headers)),
    ...headerOptions(headers),
    ...(isGateway && limits(edge)),
    ...(isGateway && before(gateways)),
  };
}

const PATHS: Readonly<Record<PathNormalization, HttpConnectionManager>> = {
  none: { normalizePath: false },
  base: { normalizePath: true },
  "merge-slashes": { normalizePath: true, mergeSlashes: true },
  "decode-and-merge-slashes": {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: "UNESCAPE_AND_FORWARD",
  },
};

const BY_DIRECTION: Readonly<Record<Direction, HttpConnectionManager>> = {
  outbound: {},
  inbound: {
    serverName: SERVER_NAME,
    // Of a peer without certificate nothing is forwarded, whatever it says of itself.
    forwardClientCertDetails: "APPEND_FORWARD",
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  },
  gateway: {
    serverName: SERVER_NAME,
    // The mesh begins here: what requests say of their origin is not to be believed.
    useRemoteAddress: true,
    forwardClientCertDetails: "SANITIZE_SET",
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  },
};

/** What clients are told, and applications of their clients. */
function served(headers: ProxyHeaders): HttpConnectionManager {
  const { forwardedClientCert, clientCertDetails, server } = headers;
  return {
    ...(forwardedClientCert && { forwardClientCertDetails: forwardedClientCert }),
    ...(clientCertDetails && { setCurrentClientCertDetails: clientCertDetails }),
    ...(typeof server === "string" && { serverName: server }),
    ...(server === false && { serverHeaderTransformation: "PASS_THROUGH" }),
  };
}

function headerOptions(headers: ProxyHeaders): HttpConnectionManager {
  const { requestId, preserveCase, forwardedPort } = headers;
  return {
    ...(requestId === false && { generateRequestId: false }),
    ...(preserveCase && { httpProtocolOptions: PRESERVE_CASE }),
    ...(forwardedPort && { appendXForwardedPort: true }),
  };
}

function before({
  trustedProxies = 0,
  forwardedClientCert,
}: NonNullable<NonNullable<MeshSettings["traffic"]>["gateways"]>): HttpConnectionManager {
  return {
    ...(trustedProxies > 0 && { xffNumTrustedHops: trustedProxies }),
    ...(forwardedClientCert && { forwardClientCertDetails: forwardedClientCert }),
  };
}

function limits(edge: EdgeLimits): HttpConnectionManager {
  const ms = (field: keyof HttpConnectionManager, value: number | undefined) =>
    value === undefined ? {} : { [field]: duration(value) };
  const common = connectionOptions(edge);
  return {
    ...ms("drainTimeout", edge.drainTimeoutMs),
    ...ms("requestTimeout", edge.requestTimeoutMs),
    ...ms("requestHeadersTimeout", edge.requestHeadersTimeoutMs),
    ...ms("streamIdleTimeout", edge.streamIdleTimeoutMs),
    ...(Object.keys(common).length > 0 && { commonHttpProtocolOptions: common }),
    ...http2(edge),
    ...(edge.mergeSlashes !== undefined && { mergeSlashes: edge.mergeSlashes }),
    ...(edge.escapedSlashes && { pathWithEscapedSlashesAction: edge.escapedSlashes }),
  };
}

function connectionOptions(edge: EdgeLimits): HttpProtocolOptions {
  const { idleTimeoutMs, maxConnectionMs, maxStreamMs, underscores } = edge;
  return {
    ...(idleTimeoutMs !== undefined && { idleTimeout: duration(idleTimeoutMs) }),
    ...(maxConnectionMs !== undefined && { maxConnectionDuration: duration(maxConnectionMs) }),
    ...(maxStreamMs !== undefined && { maxStreamDuration: duration(maxStreamMs) }),
    ...(underscores && { headersWithUnderscoresAction: underscores }),
  };
}

function http2(edge: EdgeLimits): HttpConnectionManager {
  const { maxConcurrentStreams, streamWindowBytes, connectionWindowBytes } = edge;
  const options = {
    ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
    ...(streamWindowBytes !== undefined && { initialStreamWindowSize: streamWindowBytes }),
    ...(connectionWindowBytes !== undefined && {
      initialConnectionWindowSize: connectionWindowBytes,
    }),
  };
  return Object.keys(options).length === 0 ? {} : { http2ProtocolOptions: options };
}
