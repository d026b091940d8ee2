/**
 * Endpoints of a service that take mutual TLS come and go while requests run: none fails, and what
 * speaks TLS is never sent plaintext. Model, translator and delivery are ours, Envoy is stock.
 */
import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Rejection } from "../../src/ads/connection.ts";
import { PodIndex } from "../../src/ads/pods.ts";
import { AdsServer } from "../../src/ads/server.ts";
import { issueWorkload } from "../../src/ca/issue.ts";
import { createRoot, type Issuer, loadIssuer } from "../../src/ca/root.ts";
import { apply, modelOf } from "../../src/testing/fixtures.ts";
import { silent } from "../../src/util/log.ts";
import { encode } from "../../src/xds/encode.ts";
import { createScopes } from "../../src/xds/scopes.ts";
import { translators } from "../../src/xds/translate.ts";
import type { ProxyView } from "../../src/xds/view.ts";
import { HttpClient } from "../harness/http.ts";
import { startLoad } from "../harness/load.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { HandMadeSecrets } from "./ads-fixture.ts";
import { startEnvoy } from "./real-envoy.ts";

const HOUR_MS = 3_600_000;
const IDENTITY = "spiffe://cluster.local/ns/default/sa/web";
/** Of the application, at both of its endpoints. */
const PLAIN = "127.0.0.2";
const MUTUAL = "127.0.0.3";
const HANDSHAKE = 0x16;

const VIEW: ProxyView = {
  kind: "gateway",
  namespace: "default",
  workload: "default/gateway-1",
  serviceAccount: "gateway",
  labels: { istio: "gateway" },
};

const soon = (description: string) => ({ description, deadlineMs: 15_000, intervalMs: 10 });

async function makeIssuer(): Promise<Issuer> {
  const now = new Date();
  const root = await createRoot({ trustDomain: "cluster.local", now, ttlMs: HOUR_MS });
  return loadIssuer(root, { source: "a root for tests", now });
}

const certificate = (issuer: Issuer, identity: string) =>
  issueWorkload(issuer, { identity, ttlMs: HOUR_MS / 2, now: new Date() });

/** An application at one address that answers with its name. */
const application = (name: string) => createHttpServer((_, response) => response.end(name));

interface Backends {
  readonly port: number;
  /** First bytes that came to the TLS endpoint and are no handshake. */
  readonly plaintext: readonly string[];
}

async function startBackends(t: TestContext, issuer: Issuer): Promise<Backends> {
  const plaintext: string[] = [];
  const plain = application("plain");
  await new Promise<void>((resolve) => plain.listen(0, PLAIN, resolve));
  const { port } = plain.address() as AddressInfo;
  const behind = application("mutual");
  const { certChainPem, keyPem } = await certificate(issuer, IDENTITY);
  const secureContext = createSecureContext({
    cert: certChainPem,
    key: keyPem,
    ca: issuer.rootsPem,
    sessionIdContext: "mutual",
  });
  const sockets = new Set<Socket>();
  const mutual = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first[0] !== HANDSHAKE) plaintext.push(first.toString("latin1"));
      const terms = { secureContext, requestCert: true, rejectUnauthorized: true };
      const secure = new TLSSocket(socket, {
        isServer: true,
        ...terms,
        ALPNProtocols: ["istio"],
      });
      secure.on("error", () => {});
      behind.emit("connection", secure);
    });
  });
  await new Promise<void>((resolve) => mutual.listen(port, MUTUAL, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of [plain, mutual, behind]) server.close();
  });
  return { port, plaintext };
}

/** Retries would hide what fails. */
const world = (gatewayPort: number, port: number): string => `
{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: ${port} }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: plain, labels: { app: web } }, spec: { serviceAccountName: web }, status: { podIP: ${PLAIN} } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: mutual, labels: { app: web, security.istio.io/tlsMode: istio } }, spec: { serviceAccountName: web }, status: { podIP: ${MUTUAL} } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: public }
spec: { selector: { istio: gateway }, servers: [{ port: { number: ${gatewayPort}, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web }
spec: { hosts: [web.example.com], gateways: [public], http: [{ route: [{ destination: { host: web } }], retries: { attempts: 0 } }] }
`;

type Kind = "plain" | "mutual";
const ADDRESSES: Readonly<Record<Kind, string>> = { plain: PLAIN, mutual: MUTUAL };

const slice = (port: number, kinds: readonly Kind[]): string =>
  JSON.stringify({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port, protocol: "TCP" }],
    endpoints: kinds.map((kind) => ({
      addresses: [ADDRESSES[kind]],
      conditions: { ready: true },
      targetRef: { kind: "Pod", name: kind, namespace: "default" },
    })),
  });

async function startServer(t: TestContext, issuer: Issuer, model: ReturnType<typeof modelOf>) {
  const secrets = new HandMadeSecrets((identity) => certificate(issuer, identity));
  secrets.changeRoot({ pem: issuer.rootsPem, version: "root-1" });
  const rejections: Rejection[] = [];
  const pod = { namespace: "default", name: "gateway-1", uid: "1" };
  const identity = "spiffe://cluster.local/ns/default/sa/gateway";
  const server = new AdsServer({
    scopes: createScopes({
      engine: model.engine,
      mesh: model.mesh,
      translators,
      encode,
      onFault: ({ error }) => assert.fail(String(error)),
    }),
    secrets,
    pods: new PodIndex(),
    trustDomain: "cluster.local",
    authenticator: {
      authenticate: () => Promise.resolve({ key: VIEW.workload, pod, identity, view: VIEW }),
    },
    log: silent,
    onRejection: (rejection) => void rejections.push(rejection),
  });
  t.after(() => server.drain(0));
  return { port: await server.listenPlain(0), rejections };
}

/** From each state to each other, and twice through all. */
const STATES: readonly (readonly Kind[])[] = [
  ["mutual"],
  ["plain"],
  ["plain", "mutual"],
  ["plain"],
  ["mutual"],
  ["plain", "mutual"],
  ["mutual"],
  ["plain"],
  ["plain", "mutual"],
  ["mutual"],
  ["plain", "mutual"],
  ["plain"],
];

test("endpoints turn from plaintext to mutual TLS and back under load: none fails, and none is sent the other", async (t) => {
  const issuer = await makeIssuer();
  const backends = await startBackends(t, issuer);
  const gatewayPort = await freePort();
  const model = modelOf(world(gatewayPort, backends.port));
  apply(model, slice(backends.port, ["plain"]));
  const { port: adsPort, rejections } = await startServer(t, issuer, model);
  const envoy = await startEnvoy({ adsPort });
  t.after(() => envoy.stop());
  const origin = { host: "127.0.0.1", port: gatewayPort };
  const client = new HttpClient(origin, { host: "web.example.com" });
  t.after(() => client.close());
  await waitFor(soon("answer through the gateway"), async () => {
    return (await client.get("/")).status === 200;
  });

  const load = startLoad({ client, request: { path: "/" }, concurrency: 4, pauseMs: 0 });
  t.after(() => load.stop());
  for (const kinds of STATES) {
    apply(model, slice(backends.port, kinds));
    const wanted = kinds.toSorted().join();
    await waitFor(soon(`answers of ${wanted} alone`), async () => {
      const from = load.records.length;
      await waitFor(soon("ten answers"), () => load.records.length >= from + 10);
      const answers = load.records.slice(from + 4).map(({ status, body }) => `${status} ${body}`);
      return (
        [...new Set(answers)].sort().join() ===
        kinds
          .toSorted()
          .map((k) => `200 ${k}`)
          .join()
      );
    });
  }
  const records = await load.stop();
  assert.deepEqual(
    records.filter(({ status }) => status !== 200).map(({ status, error }) => error ?? status),
    [],
  );
  assert.deepEqual(backends.plaintext, []);
  assert.deepEqual(rejections, []);
  const stats = await envoy.admin("/stats?filter=^cluster\\.outbound.*update_(empty|rejected)");
  t.diagnostic(stats.trim().replaceAll("\n", ", "));
});
