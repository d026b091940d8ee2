import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../api/codes.ts";
import { headers } from "./headers.ts";

function kept(value: string): boolean {
  const site = { report: new Report("x"), namespace: "one", clusterDomain: "cluster.local" };
  const lowered = headers({ set: { x: value } }, "at", site);
  assert.equal(site.report.diagnostics.length, lowered === undefined ? 1 : 0);
  return lowered?.set["x"] === value;
}

for (const value of [
  "t=%START_TIME(%s.%3f)%",
  "%START_TIME%",
  "%EMIT_TIME_LOCAL(%Y/%m/%dT%H:%M:%S%z)%",
  "%DOWNSTREAM_PEER_CERT_V_END(%s)%",
  "took %DURATION% and %COMMON_DURATION(DS_RX_BEG:US_TX_END:us)%",
  "%BYTES_RECEIVED%/%BYTES_SENT%",
  "%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%",
  "%RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%",
  "%CONNECTION_TERMINATION_DETAILS%",
  "%DOWNSTREAM_PEER_FINGERPRINT_256% %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_TLS_VERSION%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%",
  "%UPSTREAM_HOST% %UPSTREAM_CLUSTER_RAW% %UPSTREAM_REMOTE_PORT% %UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  "%REQ(:path)% %REQ(x-a?:authority):10% %RESP(x-b)% %TRAILER(c)%",
  "%PATH% %PATH(NQ:ORIG)% %QUERY_PARAM(q):5% %ENVIRONMENT(HOME)%",
  "%DYNAMIC_METADATA(a.b:c:d):25% %METADATA(ROUTE:istio:config)%",
  "%FILTER_STATE(a.b:PLAIN)% %FILTER_STATE(a:FIELD:b):3%",
  "%REQUEST_HEADER(a)% %RESPONSE_HEADER(b):3% %RESPONSE_TRAILER(c)% %QUERY_PARAMS(DECODED)%",
  "%DOWNSTREAM_TLS_GROUP% %UPSTREAM_TLS_GROUP% %COMMON_DURATION(DS_RX_BEG:US_TX_END)%",
  "%REQUESTED_SERVER_NAME% %HOSTNAME% %TRACE_ID% %UNIQUE_ID%",
  "100%% of %PROTOCOL%",
])
  test(`proxies know ${value}`, () => assert.ok(kept(value)));

for (const value of [
  "100%",
  "%NONSENSE%",
  "%DOWNSTREAM_NONSENSE%",
  "%VIRTUAL_HOST_NAME%",
  "%REQ_WITHOUT_QUERY(:path)%",
  "%REQ%",
  "%REQ()%",
  "%REQ(a?b?c)%",
  "%REQ(a b)%",
  "%DURATION(ms)%",
  "%DURATION%%",
  "%PROTOCOL:3%",
  "%START_TIME(%n)%",
  "%START_TIME(%s):3%",
  "%GRPC_STATUS(LOUD)%",
  "%COMMON_DURATION(a)%",
  "%CEL(request.path)%",
  '%COALESCE({"operators": ["PROTOCOL"]})%',
  "%REQ(a)",
  "%FILTER_STATE(a:WHAT)%",
  "%METADATA(WHAT:a)%",
])
  test(`proxies refuse ${value}, so it is told and left out`, () => assert.ok(!kept(value)));
