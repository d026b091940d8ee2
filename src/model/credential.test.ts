import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerCredential } from "./credential.ts";

// Made for this test: P-256, valid for a hundred years.
const CHAIN = `-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUcTLCdCL2zoajrNmEyddAW+ktXuEwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTAgFw0yNjExMjQwMzQ3MjVaGA8y
MTI2MTAzMTAzNDcyNVowGzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABIscb4L2giQw/b+X7z+4vs606hGLasn6RSm4
iuW2yHkmoNMfoKTsXPsUucX3G0qZGO2v/T9SH7j2H/h2lNVUORGjUzBRMB0GA1Ud
DgQWBBT4/xAsI1kz28zU86elKAcG4spXtzAfBgNVHSMEGDAWgBT4/xAsI1kz28zU
86elKAcG4spXtzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQD2
bFbE9ShCFenfsRu3Ko0MSCRXywQuDxo6BiilfVf7OwIgYQvqixzlKooQNMsTEaVo
QuP2y2EcSpY1Cx6gQs/ftsc=
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgB8qpx6zbeS4hmM0c
cDNFT1B0ngFEf1FPus5GyZXkIMuhRANCAASLHG+C9oIkMP2/l+8/uL7OtOoRi2rJ
+kUpuIrltsh5JqDTH6Ck7Fz7FLnF9xtKmRjtr/0/Uh+49h/4dpTVVDkR
-----END PRIVATE KEY-----
`;
const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6v3N9oxCfTuD9Hbd
CPHmPvkxJj0KelR2eDn9wcgQ2n6hRANCAARWNn1n7wheOe5ECS6I0Uvzccadtmyu
zS9OVPweJiVtlELqkvWt9PTETbXO+ZboHZJIwn80wiSXI0aktF52MG0q
-----END PRIVATE KEY-----
`;

const secret = (data: Readonly<Record<string, string>>, type = "kubernetes.io/tls") => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "edge", name: "cert" },
  type,
  data: Object.fromEntries(
    Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  ),
});

test("a certificate with its key, and whom to trust", () => {
  const certificate = { chain: CHAIN, key: KEY };
  assert.deepEqual(lowerCredential(secret({ "tls.crt": CHAIN, "tls.key": KEY })), { certificate });
  assert.deepEqual(lowerCredential(secret({ cert: CHAIN, key: KEY, cacert: CHAIN }, "Opaque")), {
    certificate,
    roots: CHAIN,
  });
});

for (const { what, data } of [
  { what: "nothing", data: {} },
  { what: "a password", data: { password: "hunter2" } },
  { what: "a certificate alone", data: { "tls.crt": CHAIN } },
  { what: "a key of another certificate", data: { "tls.crt": CHAIN, "tls.key": OTHER_KEY } },
  { what: "what is no certificate", data: { "tls.crt": "no", "tls.key": KEY } },
  { what: "what is no key", data: { "tls.crt": CHAIN, "tls.key": "no" } },
])
  test(`a Secret with ${what} is no credential`, () =>
    assert.equal(lowerCredential(secret(data)), undefined));

test("a service account's token is no credential, though it names an authority", () => {
  const token = secret({ "ca.crt": CHAIN }, "kubernetes.io/service-account-token");
  assert.equal(lowerCredential(token), undefined);
});
