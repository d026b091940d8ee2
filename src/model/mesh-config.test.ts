import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshConfigSpecMesh } from "../api/gen/mesh-config.ts";
import { lowerMeshSettings } from "./istio/mesh-config.ts";

const lower = (spec: MeshConfigSpecMesh) => lowerMeshSettings(spec, "default");

const told = (spec: MeshConfigSpecMesh): readonly string[] =>
  lower(spec).diagnostics.map(({ level, path, message }) => `${level} ${path}: ${message}`);

for (const format of [
  '[%START_TIME(%Y-%m-%dT%H:%M:%S.%3f)%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):60%" 100%%',
  "%PATH% %PATH(NQ:ORIG):20% %PATH(:PATH)% %GRPC_STATUS% %GRPC_STATUS(NUMBER)% %QUERY_PARAM(a b)%",
  "%REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(SNI_FIRST:HOST)% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%",
  "%COMMON_DURATION(DS_RX_BEG:US_TX_END:us)% %FILTER_STATE(a:FIELD:b):9% %METADATA(ROUTE:istio:config)%",
  "%CEL(request.url_path.contains('v1')):3% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)% no command",
])
  test(`a format that proxies take is taken: ${format}`, () => {
    const { settings, diagnostics } = lower({ accessLogFormat: format });
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(settings.traffic?.accessLog, { text: format });
  });

for (const [format, want] of [
  ["%FOO%", /^"%FOO%" is no command/],
  ["%PROTOCOL% %REQ_WITHOUT_QUERY(:path)%", /^"%REQ_WITHOUT_QUERY\(:path\)%" is no command/],
  ["50% of %PROTOCOL%", /percent sign/],
  ["%req(a)%", /percent sign/],
  ["%DURATION%%", /percent sign/],
  ["%DURATION(ms)%", /^"%DURATION\(ms\)%".* DURATION stands alone/],
  ["%DURATION:3%", /^"%DURATION:3%".* DURATION stands alone/],
  ["%START_TIME:3%", /^"%START_TIME:3%".* cannot be cut/],
  ["%REQ%", /^"%REQ%".* argument/],
  ["%REQ(a?b?c)%", /^"%REQ\(a\?b\?c\)%".* argument/],
  ["%REQ(a b)%", /argument/],
  ["%START_TIME(%Y%n)%", /argument/],
  ["%GRPC_STATUS(TEXT)%", /argument/],
  ["%COMMON_DURATION(a:b:s)%", /argument/],
  ["%FILTER_STATE(a:FIELD)%", /argument/],
  ["%METADATA(POD:a)%", /argument/],
] as const)
  test(`a format that would keep every listener from the proxies is told: ${format}`, () => {
    const { settings, diagnostics } = lower({ accessLogFormat: format });
    assert.equal(diagnostics.length, 1);
    const [{ level, object, path, message } = assert.fail()] = diagnostics;
    assert.deepEqual(
      [level, object, path],
      ["error", "MeshConfig default", "spec.mesh.accessLogFormat"],
    );
    assert.match(message, want);
    assert.equal(settings.traffic?.accessLog, undefined);
  });

test("formats of fields are read at any depth, and their names are not", () => {
  const fields = { "%FOO%": "%PROTOCOL%", deep: [{ at: "%START_TIME%" }, 1, true, null] };
  const accessLog = (value: object) => {
    const accessLogFormat = JSON.stringify(value);
    return lower({ accessLogEncoding: "JSON", accessLogFormat });
  };
  assert.deepEqual(accessLog(fields).settings.traffic?.accessLog, { fields });
  assert.deepEqual(accessLog(fields).diagnostics, []);
  const { settings, diagnostics } = accessLog({ deep: [{ at: "%WHEN%" }] });
  assert.match(diagnostics[0]?.message ?? "", /^"%WHEN%" is no command/);
  assert.equal(settings.traffic?.accessLog?.fields?.["start_time"], "%START_TIME%");
});

test("a format of fields that is no JSON object is told", () => {
  const [only] = told({ accessLogEncoding: "JSON", accessLogFormat: "[%START_TIME%]" });
  assert.match(only ?? "", /^error spec\.mesh\.accessLogFormat: it is no JSON object: write an/);
});

test("suites and curves that proxies do not have are told, one by one", () => {
  assert.deepEqual(
    told({
      meshMTLS: { ecdhCurves: ["P-256", "P-224"] },
      tlsDefaults: {
        cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256", "AES128-SHA"],
        ecdhCurves: ["X25519"],
      },
    }).map((line) => line.replace(/: name .*/, "")),
    [
      'error spec.mesh.meshMTLS.ecdhCurves[1]: "P-224" is no curve that proxies have',
      'error spec.mesh.tlsDefaults.cipherSuites[1]: "TLS_AES_128_GCM_SHA256" is no cipher suite that can be chosen',
    ],
  );
});

test("a spec that says nothing has no fault", () => {
  assert.deepEqual(told({}), []);
});
