import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot } from "../ca/root.ts";
import { lowerCredential } from "./credential.ts";

const authority = () =>
  createRoot({ trustDomain: "example.com", now: new Date(), ttlMs: 3_600_000 });
const [{ "ca-cert.pem": CHAIN, "ca-key.pem": KEY }, { "ca-key.pem": OTHER_KEY }] =
  await Promise.all([authority(), authority()]);

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
