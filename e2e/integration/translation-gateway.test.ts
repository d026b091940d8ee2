/** A gateway as the translator makes it, run: from clients outside, by TLS or not, to a sidecar. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import * as http from "node:http";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { type Certificate, certificateFor } from "./outside.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Seen } from "./translation-app.ts";
import { linkedNetworks, startWorld } from "./translation-world.ts";

const base64 = (pem: string): string => Buffer.from(pem).toString("base64");

const mesh = (edge: PodNetwork, echo: PodNetwork, { chain, key }: Certificate): string => `
apiVersion: v1
kind: Service
metadata: { name: ingress }
spec:
  clusterIP: 10.96.0.1
  selector: { istio: ingressgateway }
  ports: [{ name: http2, port: 80, targetPort: 8080 }, { name: https, port: 443, targetPort: 8443 }]
---
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
metadata: { name: echo-1, labels: { app: echo, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${echo.ip}" }
---
apiVersion: v1
kind: Secret
metadata: { name: shop-cert }
type: kubernetes.io/tls
data: { tls.crt: ${base64(chain)}, tls.key: ${base64(key)} }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  selector: { istio: ingressgateway }
  servers:
    - { port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example.com"] }
    - port: { number: 80, name: moved, protocol: HTTP }
      hosts: [moved.example.org]
      tls: { httpsRedirect: true }
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example.com]
      tls: { mode: SIMPLE, credentialName: shop-cert }
    - port: { number: 443, name: closed, protocol: HTTPS }
      hosts: [closed.example.com]
      tls: { mode: SIMPLE, credentialName: no-such-secret }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
    - match: [{ uri: { prefix: /shop/ } }]
      rewrite: { uri: / }
      route: [{ destination: { host: echo } }]
`;

interface Scene {
  readonly edge: PodNetwork;
  readonly certificate: Certificate;
}

async function scene(t: TestContext): Promise<Scene> {
  const [edge, far] = await linkedNetworks(t);
  const certificate = await certificateFor("shop.example.com");
  const world = await startWorld(t, mesh(edge, far, certificate));
  const common = { namespace: "default" };
  await Promise.all([
    world.proxy(
      edge,
      {
        ...common,
        kind: "gateway",
        workload: "default/gateway-1",
        serviceAccount: "gateway",
        labels: { istio: "ingressgateway" },
      },
      {},
    ),
    world.proxy(
      far,
      {
        ...common,
        kind: "sidecar",
        workload: "default/echo-1",
        serviceAccount: "echo",
        labels: { app: "echo" },
      },
      { 8080: "http" },
    ),
  ]);
  return { edge, certificate };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function answer(request: http.ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  request.on("response", resolve).on("error", reject).end();
  const response = await promise;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await text(response),
  };
}

test("a gateway routes what comes by plain HTTP, and tells the destination who it is", async (t) => {
  const { edge } = await scene(t);
  const get = (host: string, path: string, headers = {}): Promise<Answer> =>
    answer(http.request({ host: edge.ip, port: 8080, path, headers: { host, ...headers } }));

  const routed = await get("shop.example.com", "/shop/1", {
    "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/admin",
  });
  assert.equal(routed.status, 200, routed.body);
  assert.equal(routed.headers["server"], "istio-envoy");
  const seen = JSON.parse(routed.body) as Seen;
  assert.equal(seen.path, "/1");
  const certificates = String(seen.headers["x-forwarded-client-cert"]);
  assert.match(certificates, /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/gateway/);
  assert.doesNotMatch(certificates, /admin/, "what clients claim is cut");
  assert.equal(seen.headers["x-forwarded-for"], edge.outside);

  assert.equal((await get("shop.example.com", "/other")).status, 404);
  assert.equal((await get("other.example.com", "/")).status, 404, "a host without routing");
  assert.equal((await get("elsewhere.org", "/")).status, 404, "a host of no server");
  const moved = await get("moved.example.org", "/page");
  assert.deepEqual([moved.status, moved.headers.location], [301, "https://moved.example.org/page"]);
});

test("a gateway ends TLS with the certificate of the host that was asked for", async (t) => {
  const { edge, certificate } = await scene(t);
  const at = { host: edge.ip, port: 8443, ca: certificate.roots };
  const { status, body } = await answer(
    https.request({
      ...at,
      servername: "shop.example.com",
      path: "/shop/1",
      headers: { host: "shop.example.com" },
    }),
  );
  assert.equal(status, 200, body);
  assert.equal((JSON.parse(body) as Seen).headers["x-forwarded-proto"], "https");

  const { promise: refused, resolve, reject } = Promise.withResolvers<string>();
  connect({ ...at, servername: "closed.example.com" }, () => {
    reject(new Error("a server without certificate has answered"));
  }).on("error", ({ message }) => resolve(message));
  assert.match(await refused, /ECONNRESET|socket disconnected/, "and no other host waits for it");
});
