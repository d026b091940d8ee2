/** Certificates of the authority, as TLS itself judges them: both ends are real. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { Authority } from "../../src/ca/authority.ts";
import type { IssuedCertificate } from "../../src/ca/issue.ts";
import { type Cacerts, createRoot, loadIssuer } from "../../src/ca/root.ts";

const spiffe = (name: string): string => `spiffe://cluster.local/ns/shop/sa/${name}`;

interface Ca {
  readonly files: Cacerts;
  readonly authority: Authority;
}

async function newCa(): Promise<Ca> {
  const now = new Date();
  const files = await createRoot({ trustDomain: "cluster.local", now, ttlMs: 3_600_000 });
  const issuer = await loadIssuer(files, { source: "the test", now });
  const options = { workloadTtlMs: 3_600_000, now: () => new Date() };
  return { files, authority: new Authority(issuer, options) };
}

interface End {
  readonly certificate: IssuedCertificate;
  /** What it trusts. */
  readonly bundle: string;
}

const tlsOf = ({ certificate, bundle }: End) => ({
  cert: certificate.certChainPem,
  key: certificate.keyPem,
  ca: bundle,
});

/** Who each end sees at the other, or why it does not believe it. */
async function handshake(
  t: TestContext,
  server: End,
  client: End,
): Promise<{ readonly client: string; readonly server: string }> {
  // Not refused by the library, which would say nothing of it: the test asks for the verdict.
  const verdict = { rejectUnauthorized: false };
  const listener = createServer({ ...tlsOf(server), ...verdict, requestCert: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => listener.close());
  const accepted = new Promise<string>((resolve) => {
    listener.once("secureConnection", (socket) => {
      resolve(identityOf(socket));
      socket.end("welcome");
    });
  });
  const socket = connect({
    ...tlsOf(client),
    ...verdict,
    host: "127.0.0.1",
    port: (listener.address() as AddressInfo).port,
    // Identities are URIs: whoever connects compares them, as proxies do.
    checkServerIdentity: () => undefined,
  });
  const connected = new Promise<string>((resolve) => {
    socket.once("data", () => resolve(identityOf(socket)));
  });
  const seen = { client: await accepted, server: await connected };
  socket.destroy();
  return seen;
}

const identityOf = (socket: TLSSocket): string =>
  socket.authorized
    ? (socket.getPeerCertificate().subjectaltname ?? "nobody")
    : String(socket.authorizationError);

test("two workloads know each other by their identities", async (t) => {
  const { files, authority } = await newCa();
  const bundle = files["root-cert.pem"];
  const [reviews, web] = [
    await authority.issue(spiffe("reviews")),
    await authority.issue(spiffe("web")),
  ];
  assert.deepEqual(
    await handshake(t, { certificate: reviews, bundle }, { certificate: web, bundle }),
    { client: `URI:${spiffe("web")}`, server: `URI:${spiffe("reviews")}` },
  );
});

test("a workload of another mesh is refused, with the same identity too", async (t) => {
  const [ours, theirs] = [await newCa(), await newCa()];
  const bundle = ours.files["root-cert.pem"];
  const server = { certificate: await ours.authority.issue(spiffe("reviews")), bundle };
  const client = { certificate: await theirs.authority.issue(spiffe("web")), bundle };
  assert.match(
    (await handshake(t, server, client)).client,
    /UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
  );
});

test("while roots change, certificates of the old and the new root meet", async (t) => {
  const [old, next] = [await newCa(), await newCa()];
  const bundle = old.files["root-cert.pem"] + next.files["root-cert.pem"];
  const before = await old.authority.issue(spiffe("reviews"));
  const now = new Date();
  const rotated = { ...next.files, "root-cert.pem": bundle };
  old.authority.replace(await loadIssuer(rotated, { source: "the test", now }));
  const after = await old.authority.issue(spiffe("web"));
  for (const [server, client] of [
    [before, after],
    [after, before],
  ] as const) {
    const seen = await handshake(
      t,
      { certificate: server, bundle },
      { certificate: client, bundle },
    );
    assert.match(seen.client, /^URI:spiffe/);
    assert.match(seen.server, /^URI:spiffe/);
  }
});
