import type { MeshConfigSpecMesh } from "../../api/gen/mesh-config.ts";
import type { MeshTraffic } from "../ir/mesh-traffic.ts";
import type { Site } from "./site.ts";
import { formatFault } from "./substitution-format.ts";

/** What Istio writes of a request, as far as a stock proxy knows it. */
const FIELDS: Readonly<Record<string, string>> = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  route_name: "%ROUTE_NAME%",
};

const NO_OBJECT =
  "it is no JSON object: write an object of field names and formats, or set accessLogEncoding to TEXT";

/** A format that proxies would refuse is told, and the usual line or fields are written. */
export function accessLog(
  { accessLogFormat: format = "", accessLogEncoding: encoding }: MeshConfigSpecMesh,
  path: string,
  { report }: Site,
): MeshTraffic["accessLog"] {
  const usual = encoding === "JSON" ? { fields: FIELDS } : undefined;
  if (format === "") return usual;
  const value = encoding === "JSON" ? jsonObject(format) : format;
  const fault = value === undefined ? NO_OBJECT : deepFault(value);
  if (fault !== undefined) report.add("MESH0117", `${path}.accessLogFormat`, fault);
  if (value === undefined || fault !== undefined) return usual;
  return typeof value === "string" ? { text: value } : { fields: value };
}

function deepFault(value: unknown): string | undefined {
  if (typeof value === "string") return formatFault(value);
  if (typeof value !== "object" || value === null) return undefined;
  for (const part of Object.values(value)) {
    const fault = deepFault(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // Users write it; whoever asked says so.
    return undefined;
  }
}
