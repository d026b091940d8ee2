import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MeshError } from "../util/errors.ts";
import { issueServing, issueWorkload, spiffeId } from "./issue.ts";
import { type Cacerts, createRoot, loadIssuer } from "./root.ts";

const now = new Date("2030-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const source = "Secret mesh-system/cacerts";
const identity = spiffeId({
  trustDomain: "cluster.local",
  namespace: "shop",
  serviceAccount: "reviews",
});

const root = (ttlMs = 87_600 * HOUR_MS): Promise<Cacerts> =>
  createRoot({ trustDomain: "cluster.local", now, ttlMs });

/** Runs the real openssl over `files` in a directory of their own. */
function openssl(files: Readonly<Record<string, string>>, ...args: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), "meshwright-ca-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    return execFileSync("openssl", args, { cwd: dir, encoding: "utf8", stdio: "pipe" });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface Brought {
  /** What the intermediate calls its key. */
  readonly keyId?: string;
  /** Days that the root has, from today; its certificate may have been renewed. */
  readonly rootDays?: readonly number[];
}

/** An intermediate CA below a root, both made by openssl: what a user brings. */
function broughtByUser(
  algorithm: readonly string[],
  { keyId = "hash", rootDays = [9000] }: Brought = {},
): Cacerts {
  const dir = mkdtempSync(join(tmpdir(), "meshwright-ca-"));
  const run = (...args: string[]): string =>
    execFileSync("openssl", args, { cwd: dir, encoding: "utf8", stdio: "pipe" });
  try {
    writeFileSync(
      join(dir, "ext"),
      `basicConstraints=critical,CA:true\nkeyUsage=keyCertSign\nsubjectKeyIdentifier=${keyId}\n`,
    );
    const key = (file: string): string => run("genpkey", ...algorithm, "-out", file);
    key("root.key");
    key("ca.key");
    const subject = ["-subj", "/O=shop/CN=root"];
    const roots = rootDays.map((days) =>
      run("req", "-x509", "-new", "-key", "root.key", ...subject, "-days", String(days)),
    );
    writeFileSync(join(dir, "root.pem"), roots[0] ?? "");
    run("req", "-new", "-key", "ca.key", "-subj", "/O=shop/CN=intermediate", "-out", "ca.csr");
    run(
      "x509",
      "-req",
      "-in",
      "ca.csr",
      "-CA",
      "root.pem",
      "-CAkey",
      "root.key",
      "-CAcreateserial",
      "-extfile",
      "ext",
      "-out",
      "ca.pem",
      "-days",
      "8000",
    );
    const read = (file: string): string => run("x509", "-in", file);
    return {
      "ca-cert.pem": read("ca.pem"),
      "ca-key.pem": run("pkey", "-in", "ca.key"),
      "root-cert.pem": roots.join(""),
      "cert-chain.pem": read("ca.pem") + read("root.pem"),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("openssl verifies a workload's certificate against the root", async () => {
  const files = await root();
  const issuer = await loadIssuer(files, { source, now });
  const { certChainPem, keyPem } = await issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now });
  const at = String(now.getTime() / 1000);
  const sources = {
    "root.pem": files["root-cert.pem"],
    "leaf.pem": certChainPem,
    "leaf.key": keyPem,
  };
  for (const purpose of ["sslserver", "sslclient"])
    assert.match(
      openssl(
        sources,
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-attime",
        at,
        "-CAfile",
        "root.pem",
        "leaf.pem",
      ),
      /leaf\.pem: OK/,
    );
  assert.equal(
    openssl(sources, "x509", "-in", "leaf.pem", "-noout", "-pubkey"),
    openssl(sources, "pkey", "-in", "leaf.key", "-pubout"),
  );
});

test("a workload's certificate names its identity and nothing else", async () => {
  const issuer = await loadIssuer(await root(), { source, now });
  const { certChainPem } = await issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now });
  const leaf = new X509Certificate(certChainPem);
  assert.equal(leaf.subjectAltName, "URI:spiffe://cluster.local/ns/shop/sa/reviews");
  assert.equal(leaf.subject, undefined);
  assert.equal(leaf.ca, false);
  assert.match(
    openssl({ "leaf.pem": certChainPem }, "x509", "-in", "leaf.pem", "-noout", "-text"),
    /Subject Alternative Name: critical/,
  );
});

test("validity starts in the past and is cut to what the issuer has left", async () => {
  const issuer = await loadIssuer(await root(2 * HOUR_MS), { source, now });
  const certificate = await issueWorkload(issuer, { identity, ttlMs: 24 * HOUR_MS, now });
  assert.equal(certificate.notBefore.toISOString(), "2029-12-31T23:58:00.000Z");
  assert.equal(certificate.notAfter.toISOString(), "2030-01-01T02:00:00.000Z");
  assert.equal(certificate.renewAt.toISOString(), "2030-01-01T01:00:00.000Z");
  const leaf = new X509Certificate(certificate.certChainPem);
  assert.equal(new Date(leaf.validTo).toISOString(), "2030-01-01T02:00:00.000Z");
});

test("an issuer with less than a minute left refuses", async () => {
  const issuer = await loadIssuer(await root(HOUR_MS), { source, now });
  const late = new Date(now.getTime() + HOUR_MS - 59_000);
  await assert.rejects(
    issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now: late }),
    (error) => error instanceof MeshError && error.code === "MESH0401",
  );
});

test("a serving certificate is good for each of its names", async () => {
  const issuer = await loadIssuer(await root(), { source, now });
  const dnsNames = ["control.mesh-system.svc", "control.mesh-system.svc.cluster.local"];
  const { certChainPem } = await issueServing(issuer, { dnsNames, ttlMs: HOUR_MS, now });
  const leaf = new X509Certificate(certChainPem);
  for (const name of dnsNames) assert.equal(leaf.checkHost(name), name);
  assert.equal(leaf.checkHost("other.mesh-system.svc"), undefined);
});

const EC = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

for (const { title, keyId } of [
  { title: "by SHA-256", keyId: "5B:1F:0C:52:C3:5D:5A:70:2F:0B:C2:8C:8E:4F:31:9D:77:C0:2A:11" },
  { title: "not at all", keyId: "none" },
])
  test(`a certificate is known as of a CA that names its key ${title}`, async () => {
    const files = broughtByUser(EC, { keyId });
    const issuer = await loadIssuer(files, { source, now });
    const { certChainPem } = await issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now });
    assert.ok(
      new X509Certificate(certChainPem).checkIssued(new X509Certificate(files["ca-cert.pem"])),
    );
  });

for (const algorithm of [
  EC,
  ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
])
  test(`an intermediate CA that the user brings issues: ${algorithm.join(" ")}`, async () => {
    const files = broughtByUser(algorithm);
    const issuer = await loadIssuer(files, { source, now });
    const { certChainPem } = await issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now });
    assert.equal(
      certChainPem.match(/BEGIN CERTIFICATE/g)?.length,
      2,
      "leaf and intermediate, no root",
    );
    assert.match(
      openssl(
        { "root.pem": files["root-cert.pem"], "leaf.pem": certChainPem },
        "verify",
        "-no_check_time",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "leaf.pem",
        "leaf.pem",
      ),
      /leaf\.pem: OK/,
    );
  });

test("the generation follows the CA and the bundle, not the replica", async () => {
  const [one, other] = [await root(), await root()];
  const generation = async (files: Cacerts): Promise<string> =>
    (await loadIssuer(files, { source, now })).generation;
  assert.equal(await generation(one), await generation({ ...one }));
  assert.notEqual(await generation(one), await generation(other));
  const both = { ...one, "root-cert.pem": one["root-cert.pem"] + other["root-cert.pem"] };
  assert.notEqual(await generation(one), await generation(both));
});

const [mine, foreign] = [await root(), await root()];
for (const { name, files, want } of [
  { name: "no key", files: { ...mine, "ca-key.pem": "" }, want: /ca-key\.pem is missing or empty/ },
  {
    name: "no root",
    files: { "ca-cert.pem": mine["ca-cert.pem"] },
    want: /root-cert\.pem is missing/,
  },
  {
    name: "garbage key",
    files: { ...mine, "ca-key.pem": "secret" },
    want: /not a readable private key/,
  },
  {
    name: "garbage certificate",
    files: { ...mine, "ca-cert.pem": "hello" },
    want: /holds no certificate/,
  },
  {
    name: "key of another",
    files: { ...mine, "ca-key.pem": foreign["ca-key.pem"] },
    want: /not the key of the certificate in ca-cert\.pem/,
  },
  {
    name: "root of another",
    files: { ...mine, "root-cert.pem": foreign["root-cert.pem"] },
    want: /does not lead from .* to a root in root-cert\.pem/,
  },
])
  test(`a CA is refused in words: ${name}`, async () => {
    await assert.rejects(loadIssuer(files, { source, now }), (error) => {
      assert.ok(error instanceof MeshError);
      assert.equal(error.code, "MESH0402");
      assert.match(error.message, /Secret mesh-system\/cacerts/);
      assert.match(error.message, want);
      return true;
    });
  });

test("who replaces a CA is told where, for one that the operator made too", async () => {
  const files = await root(HOUR_MS);
  const end = new Date(now.getTime() + HOUR_MS);
  const hint = async (from: string): Promise<string> => {
    const expired = await loadIssuer(files, { source: from, now: end }).catch((e: unknown) => e);
    assert.ok(expired instanceof MeshError);
    return expired.hint;
  };
  const both =
    /into Secret mesh-system\/cacerts, or into Secret meshwright-operator\/meshwright-ca /;
  assert.match(await hint(source), both);
  assert.match(
    await hint("Secret meshwright-operator/meshwright-ca"),
    /^put a CA that is still valid into Secret meshwright-operator\/meshwright-ca; keep/,
  );
  const issuer = await loadIssuer(files, { source, now });
  await assert.rejects(issueWorkload(issuer, { identity, ttlMs: HOUR_MS, now: end }), {
    hint: /into Secret cacerts, or into Secret meshwright-operator\/meshwright-ca /,
  });
});

test("an expired CA is refused with its date", async () => {
  const late = new Date(now.getTime() + 3 * HOUR_MS);
  await assert.rejects(loadIssuer(await root(2 * HOUR_MS), { source, now: late }), {
    code: "MESH0401",
    message: /expired at 2030-01-01T02:00:00\.000Z/,
  });
});

test("an expired root is refused, with an intermediate that has not expired", async () => {
  await assert.rejects(loadIssuer(broughtByUser(EC, { rootDays: [1] }), { source, now }), {
    code: "MESH0401",
    message: /^the CA in Secret mesh-system\/cacerts expired at .*Z: "O=shop, CN=root"$/,
  });
});

test("a root whose certificate was renewed is good for as long as the newest", async () => {
  const files = broughtByUser(EC, { rootDays: [1, 7000, 2] });
  const { notAfter } = await loadIssuer(files, { source, now });
  const [, renewed = ""] = files["root-cert.pem"].split(/(?=-----BEGIN)/);
  assert.equal(notAfter.getTime(), new Date(new X509Certificate(renewed).validTo).getTime());
});
