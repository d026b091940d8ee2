/** Connections to servers outside the mesh, by a real Envoy: TLS, tunnels, and who is on whose behalf. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createConnection, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { Authority } from "./authority.ts";
import type { PodNetwork } from "./pod-network.ts";
import { client, clientNetwork, meshOf, VIP } from "./policy-world.ts";

const URL = `http://${VIP}/`;
const HOST = "web.default.svc.cluster.local";

async function listening(t: TestContext, server: Server, { outside }: PodNetwork): Promise<number> {
  server.listen(0, outside);
  await once(server, "listening");
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

interface TlsScene {
  readonly network: PodNetwork;
  readonly endpoint: { readonly name: string; readonly port: number };
  /** Paths of files. */
  readonly roots: string;
  readonly certificate: string;
  readonly key: string;
  readonly crl: string;
  readonly emptyCrl: string;
  /** Names that clients asked for, and the names in the certificates that they showed. */
  readonly asked: readonly (string | false)[];
  readonly shown: readonly (string | undefined)[];
}

/** A server `db.example.com` whose certificate `crl` revokes. */
async function tlsScene(t: TestContext): Promise<TlsScene> {
  const directory = await mkdtemp(join(tmpdir(), "meshwright-outside-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  const authority = await Authority.create();
  const [server, user] = [await authority.issue("db.example.com"), await authority.issue("user")];
  const asked: (string | false)[] = [];
  const shown: (string | undefined)[] = [];
  const listener = createTls(
    {
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket: TLSSocket) => {
      asked.push(socket.servername ?? false);
      shown.push(socket.getPeerCertificate().subject?.CN?.toString());
      socket
        .on("error", () => {})
        .once("data", () => {
          socket.end("HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nsecret\n");
        });
    },
  );
  listener.on("tlsClientError", () => {});
  const network = await clientNetwork(t);
  return {
    network,
    endpoint: { name: "db", port: await listening(t, listener, network) },
    roots: await file("ca.pem", authority.certificate),
    certificate: await file("user.pem", user.certificate),
    key: await file("user-key.pem", user.key),
    crl: await file("crl.pem", await authority.revocations([server])),
    emptyCrl: await file("empty-crl.pem", await authority.revocations([])),
    asked,
    shown,
  };
}

/** What a client gets that has this `tls` in the rule for the server. */
async function answers(t: TestContext, scene: TlsScene, tls: object): Promise<readonly string[]> {
  const { network, endpoint } = scene;
  const from = await client(t, network, meshOf(network, "http", [endpoint], { tls }));
  return from.curl("-w", "\n%{http_code}\n", "-H", `host: ${HOST}`, URL);
}

test("a client's proxy opens TLS, shows its certificate, and names and checks the server", async (t) => {
  const scene = await tlsScene(t);
  const got = await answers(t, scene, {
    mode: "MUTUAL",
    caCertificates: scene.roots,
    clientCertificate: scene.certificate,
    privateKey: scene.key,
    caCrl: scene.emptyCrl,
    sni: "db.example.com",
    subjectAltNames: ["db.example.com"],
  });
  assert.deepEqual(got, ["secret", "200"]);
  assert.deepEqual([scene.asked, scene.shown], [["db.example.com"], ["user"]]);
});

test("a server with another name is refused", async (t) => {
  const scene = await tlsScene(t);
  const tls = {
    mode: "SIMPLE",
    caCertificates: scene.roots,
    subjectAltNames: ["bank.example.com"],
  };
  assert.equal((await answers(t, scene, tls)).at(-1), "503");
});

test("without a name in the rule the server must be who the request asks for", async (t) => {
  const scene = await tlsScene(t);
  const got = await answers(t, scene, { mode: "SIMPLE", caCertificates: scene.roots });
  assert.equal(got.at(-1), "503", "it is db.example.com");
});

test("a server whose certificate is revoked is refused", async (t) => {
  const scene = await tlsScene(t);
  const tls = {
    mode: "SIMPLE",
    caCertificates: scene.roots,
    caCrl: scene.crl,
    subjectAltNames: ["db.example.com"],
  };
  assert.equal((await answers(t, scene, tls)).at(-1), "503");
});

test("whoever asks for no check gets none", async (t) => {
  const scene = await tlsScene(t);
  const got = await answers(t, scene, { mode: "SIMPLE", insecureSkipVerify: true });
  assert.deepEqual(got, ["secret", "200"]);
  assert.deepEqual(scene.asked, [HOST]);
});

test("connections go through a proxy that is asked to CONNECT to the target", async (t) => {
  const network = await clientNetwork(t);
  const server = createHttp((_, response) => response.end("beyond\n"));
  const target = await listening(t, server, network);
  const wanted: (string | undefined)[] = [];
  const proxy = createHttp().on("connect", ({ url }, socket) => {
    wanted.push(url);
    const through = createConnection(target, network.outside, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    for (const end of [socket, through]) end.on("error", () => {});
  });
  const port = await listening(t, proxy, network);
  const tunnel = { protocol: "CONNECT", targetHost: "db.example.com", targetPort: 5432 };
  const mesh = meshOf(network, "tcp", [{ name: "proxy", port }], { tunnel });
  const from = await client(t, network, mesh);
  assert.deepEqual(await from.curl(URL), ["beyond"]);
  assert.deepEqual(wanted, ["db.example.com:5432"]);
});

const V2_SIGNATURE = "0d0a0d0a000d0a515549540a";

for (const version of ["V1", "V2"] as const)
  test(`a server learns by the proxy protocol ${version} who connects`, async (t) => {
    const network = await clientNetwork(t);
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const server = createServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", (bytes: Buffer) => {
          resolve(bytes);
          socket.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n");
        });
    });
    const port = await listening(t, server, network);
    const mesh = meshOf(network, "tcp", [{ name: "db", port }], { proxyProtocol: { version } });
    const from = await client(t, network, mesh);
    assert.deepEqual(await from.curl(URL), ["ok"]);
    const heard = await promise;
    if (version === "V1") assert.match(heard.toString(), new RegExp(`^PROXY TCP4 ${network.ip} `));
    else {
      assert.equal(heard.subarray(0, 12).toString("hex"), V2_SIGNATURE);
      assert.equal([...heard.subarray(16, 20)].join("."), network.ip);
    }
  });
