import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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

const credentialOf = (...of: Parameters<typeof secret>) =>
  lowerCredential(secret(...of)).credential;

test("a certificate with its key, and whom to trust", () => {
  const certificate = { chain: CHAIN, key: KEY };
  assert.deepEqual(credentialOf({ "tls.crt": CHAIN, "tls.key": KEY }), { certificate });
  assert.deepEqual(credentialOf({ cert: CHAIN, key: KEY, cacert: CHAIN }, "Opaque"), {
    certificate,
    roots: CHAIN,
  });
});

for (const { what, data, fault } of [
  { what: "nothing", data: {}, fault: "has no tls.crt and no tls.key" },
  { what: "a password", data: { password: "hunter2" }, fault: "has no tls.crt and no tls.key" },
  { what: "a certificate alone", data: { "tls.crt": CHAIN }, fault: "has no tls.key" },
  { what: "a key alone", data: { key: KEY }, fault: "has no tls.crt" },
  {
    what: "a key of another certificate",
    data: { "tls.crt": CHAIN, "tls.key": OTHER_KEY },
    fault: "has a tls.key that does not belong to its tls.crt",
  },
  {
    what: "what is no certificate",
    data: { cert: "no", key: KEY },
    fault: "has a cert that is no certificate in PEM",
  },
  {
    what: "a chain that breaks off",
    data: { "tls.crt": CHAIN + CHAIN.slice(0, 90), "tls.key": KEY },
    fault: "has a tls.crt that is no certificate in PEM",
  },
  {
    what: "what is no key",
    data: { "tls.crt": CHAIN, "tls.key": "no" },
    fault: "has a tls.key that is no private key in PEM",
  },
])
  test(`a Secret with ${what} is no credential, and says why`, () => {
    const { credential, faults } = lowerCredential(secret(data));
    assert.equal(credential, undefined);
    assert.equal(faults.certificate, fault);
  });

for (const { what, data, fault } of [
  { what: "nothing", data: {}, fault: "has no ca.crt" },
  {
    what: "no certificates",
    data: { "ca.crt": "no" },
    fault: "has a ca.crt that holds no certificates in PEM",
  },
  {
    what: "one certificate that breaks off",
    data: { cacert: CHAIN + CHAIN.slice(0, 90) },
    fault: "has a cacert that holds no certificates in PEM",
  },
  {
    what: "no list of what is revoked",
    data: { "ca.crt": CHAIN, "ca.crl": "no" },
    fault: "has a ca.crl that is no list of revoked certificates in PEM",
  },
])
  test(`roots with ${what} let nobody in`, () => {
    const { credential, faults } = lowerCredential(secret(data));
    assert.equal(credential?.roots, undefined);
    assert.equal(faults.roots, fault);
  });

test("keys that proxies refuse are kept from them", () => {
  for (const [options, isTaken] of [
    ["-newkey rsa:1024", false],
    ["-newkey rsa:2048", true],
    ["-newkey ec -pkeyopt ec_paramgen_curve:P-384", true],
    ["-newkey ec -pkeyopt ec_paramgen_curve:secp256k1", false],
  ] as const) {
    const command = `req -x509 -nodes -subj /CN=a -days 1 ${options} -keyout -`.split(" ");
    const pem = execFileSync("openssl", command, { stdio: "pipe" }).toString();
    const { credential, faults } = lowerCredential(secret({ "tls.crt": pem, "tls.key": pem }));
    assert.equal(credential !== undefined, isTaken, `${options}: ${faults.certificate}`);
  }
});

test("a service account's token is no credential, though it names an authority", () => {
  const token = secret({ "ca.crt": CHAIN }, "kubernetes.io/service-account-token");
  const { credential, faults } = lowerCredential(token);
  assert.equal(credential, undefined);
  assert.equal(faults.roots, "is of type kubernetes.io/service-account-token");
});
