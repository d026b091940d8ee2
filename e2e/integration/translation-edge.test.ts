/** What else a gateway's servers do, run: whom they let in, and where goes what no routing takes. */
import assert from "node:assert/strict";
import * as http from "node:http";
import * as https from "node:https";
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { Authority, type Leaf } from "./authority.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Seen } from "./translation-app.ts";
import { linkedNetworks, startWorld, type World } from "./translation-world.ts";

const base64 = (pem: string): string => Buffer.from(pem).toString("base64");

interface Pki {
  readonly authority: Authority;
  readonly server: Leaf;
}

const mesh = (edge: PodNetwork, echo: PodNetwork, { authority, server }: Pki): string => `
apiVersion: v1
kind: Pod
metadata: { name: gateway-1, labels: { istio: ingressgateway } }
spec: { serviceAccountName: gateway, containers: [{ name: istio-proxy }] }
status: { podIP: "${edge.ip}" }
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { clusterIP: 10.96.0.2, selector: { app: echo }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: ["${echo.ip}"], targetRef: { kind: Pod, namespace: default, name: echo-1 } }]
---
apiVersion: v1
kind: Pod
metadata: { name: echo-1, labels: { app: echo, version: v1, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${echo.ip}" }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec: { host: echo, subsets: [{ name: v1, labels: { version: v1 } }, { name: none, labels: { version: none } }] }
---
apiVersion: v1
kind: Secret
metadata: { name: shop-cert }
data:
  tls.crt: ${base64(server.certificate)}
  tls.key: ${base64(server.key)}
  ca.crt: ${base64(authority.certificate)}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  selector: { istio: ingressgateway }
  servers:
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: [rest.example.com], defaultEndpoint: "127.0.0.1:9000" }
    - { port: { number: 8081, name: tcp, protocol: TCP }, hosts: ["*"], defaultEndpoint: "127.0.0.1:9001" }
    - { port: { number: 8082, name: closed, protocol: HTTP }, bind: 127.0.0.1, hosts: ["*"] }
    - port: { number: 8443, name: members, protocol: HTTPS }
      hosts: [members.example.com]
      tls: { mode: MUTUAL, credentialName: shop-cert, subjectAltNames: [member.example.com] }
    - port: { number: 8443, name: guests, protocol: HTTPS }
      hosts: [guests.example.com]
      tls: { mode: OPTIONAL_MUTUAL, credentialName: shop-cert }
    - port: { number: 8443, name: anybody, protocol: HTTPS }
      hosts: [anybody.example.com]
      tls: { mode: MUTUAL, credentialName: shop-cert, insecureSkipVerify: true }
    - { port: { number: 15443, name: tls, protocol: TLS }, hosts: ["*"], tls: { mode: AUTO_PASSTHROUGH } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*.example.com"]
  gateways: [edge]
  http:
    - match: [{ uri: { prefix: /shop } }]
      route: [{ destination: { host: echo } }]
`;

interface Scene extends Pki {
  readonly edge: PodNetwork;
  readonly world: World;
}

async function scene(t: TestContext): Promise<Scene> {
  const [edge, far] = await linkedNetworks(t);
  const authority = await Authority.create();
  const server = await authority.issue("members.example.com");
  const world = await startWorld(t, mesh(edge, far, { authority, server }));
  const common = { namespace: "default" };
  const gateway = { kind: "gateway", workload: "default/gateway-1" } as const;
  const sidecar = { kind: "sidecar", workload: "default/echo-1" } as const;
  await Promise.all([
    world.proxy(
      edge,
      { ...common, ...gateway, serviceAccount: "gateway", labels: { istio: "ingressgateway" } },
      { 9000: "http", 9001: "server-first" },
    ),
    world.proxy(
      far,
      { ...common, ...sidecar, serviceAccount: "echo", labels: { app: "echo" } },
      { 8080: "http" },
    ),
  ]);
  return { authority, server, edge, world };
}

/** @returns status and body, or what the connection came to */
async function answer(request: http.ClientRequest): Promise<readonly [number | string, string]> {
  const { promise, resolve } = Promise.withResolvers<readonly [number | string, string]>();
  request
    .on("response", (response) => {
      text(response).then(
        (body) => resolve([response.statusCode ?? 0, body]),
        ({ code }: NodeJS.ErrnoException) => resolve([code ?? "ended", ""]),
      );
    })
    .on("error", ({ code }: NodeJS.ErrnoException) => resolve([code ?? "failed", ""]))
    .end();
  return promise;
}

test("what no routing takes goes to the default endpoint, and a bound server is open to nobody else", async (t) => {
  const { edge } = await scene(t);
  const get = (port: number, path: string, host = "rest.example.com") =>
    answer(http.request({ host: edge.ip, port, path, headers: { host }, agent: false }));
  const [status, body] = await get(8080, "/shop");
  assert.equal(status, 200);
  assert.match(
    String((JSON.parse(body) as Seen).headers["x-forwarded-client-cert"]),
    /sa\/gateway/,
    "by mutual TLS to the service",
  );
  const [otherwise, rest] = await get(8080, "/other");
  assert.equal(otherwise, 200);
  const seen = JSON.parse(rest) as Seen;
  assert.deepEqual(
    [seen.path, seen.to],
    ["/other", "::ffff:127.0.0.1"],
    "in the gateway's own pod",
  );
  assert.equal((await get(8080, "/other", "elsewhere.org"))[0], 404, "a host of no server");
  const greeted = createConnection({ host: edge.ip, port: 8081 });
  assert.equal(await text(greeted), "welcome");
  assert.equal((await get(8082, "/"))[0], "ECONNREFUSED");
});

test("servers let in whom their clients' certificates say", async (t) => {
  const { edge, authority } = await scene(t);
  const member = await authority.issue("member.example.com");
  const other = await authority.issue("other.example.com");
  const stranger = await (await Authority.create()).issue("member.example.com");
  const get = async (servername: string, client?: Leaf): Promise<number | string> => {
    const [status] = await answer(
      https.request({
        host: edge.ip,
        port: 8443,
        servername,
        path: "/shop",
        headers: { host: servername },
        rejectUnauthorized: false,
        agent: false,
        ...(client && { cert: client.certificate, key: client.key }),
      }),
    );
    return typeof status === "number" ? status : "refused";
  };
  assert.equal(await get("members.example.com", member), 200);
  assert.equal(await get("members.example.com"), "refused", "without a certificate");
  assert.equal(await get("members.example.com", other), "refused", "another name");
  assert.equal(await get("members.example.com", stranger), "refused", "another authority");
  assert.equal(await get("guests.example.com"), 200);
  assert.equal(await get("guests.example.com", member), 200);
  assert.equal(await get("guests.example.com", stranger), "refused");
  assert.equal(await get("anybody.example.com", stranger), 200);
  assert.equal(await get("anybody.example.com"), 200, "Envoy that trusts anybody does not insist");
});

test("the mesh's own TLS is passed on to the service that its greeting names, and nowhere else", async (t) => {
  const { edge, world } = await scene(t);
  const { cert, key, ca } = await world.certificateOf("client");
  const at = (servername: string): ConnectionOptions => ({
    host: edge.ip,
    port: 15443,
    servername,
    ALPNProtocols: ["istio-http/1.1"],
    cert,
    key,
    ca,
    // Its name is a SPIFFE ID, which is for the mesh's proxies to check.
    checkServerIdentity: () => undefined,
  });
  const get = (servername: string) =>
    answer(
      http.request({
        path: "/there",
        headers: { host: "echo" },
        createConnection: () => connect(at(servername)),
      }),
    );
  const host = "echo.default.svc.cluster.local";
  for (const subset of ["", "v1"]) {
    const [status, body] = await get(`outbound_.80_.${subset}_.${host}`);
    assert.equal(status, 200, body);
    const { path, headers } = JSON.parse(body) as Seen;
    assert.equal(path, "/there");
    assert.match(String(headers["x-forwarded-client-cert"]), /sa\/client/, "whose TLS it is");
  }
  for (const name of [
    `outbound_.80_.none_.${host}`,
    `outbound_.81_._.${host}`,
    "outbound_.80_._.nobody.default.svc.cluster.local",
    "BlackHoleCluster",
    "local|127.0.0.1:9000",
  ])
    assert.equal((await get(name))[0], "ECONNRESET", name);
});
