/** Services of type ExternalName, with stock Envoys: names for a host of the mesh, and for one outside. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import { type SeenOutside, serveOutside } from "./outside.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Answer, Seen } from "./translation-app.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const VIP = "10.96.0.10";
/** Where the client's DNS would lead for a name of nothing that the mesh has addresses of. */
const NOWHERE = "192.0.2.200";

/** Two versions behind one host, and names for it: without ports, for a name, and with a VirtualService's words. */
const mesh = ({ ip }: PodNetwork): string => `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: shop }
spec: { clusterIP: ${VIP}, selector: { app: echo }, ports: [{ name: http, port: 80, targetPort: 8080 }, { name: tcp, port: 84, targetPort: 8084 }] }
---
{ apiVersion: v1, kind: Service, metadata: { name: mirror, namespace: shop }, spec: { type: ExternalName, externalName: echo.shop.svc.cluster.local } }
---
{ apiVersion: v1, kind: Service, metadata: { name: reflection }, spec: { type: ExternalName, externalName: mirror.shop.svc.cluster.local. } }
---
{ apiVersion: v1, kind: Service, metadata: { name: front }, spec: { clusterIP: 10.96.0.11, ports: [{ name: http, port: 80 }, { name: tcp, port: 84 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: partner }, spec: { type: ExternalName, externalName: named.example.com, ports: [{ name: http, port: 8080 }] } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, namespace: shop, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: tcp, port: 8084 }]
endpoints: [{ addresses: ["${ip}"], targetRef: { kind: Pod, namespace: shop, name: echo-1 } }]
---
apiVersion: v1
kind: Pod
metadata: { name: echo-1, namespace: shop, labels: { app: echo, version: v2, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${ip}" }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo, namespace: shop }
spec:
  host: echo
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: shop }
spec:
  hosts: [echo]
  http:
    - match: [{ uri: { prefix: /v1 } }]
      route: [{ destination: { host: echo, subset: v1 } }]
    - route: [{ destination: { host: echo, subset: v2 }, headers: { request: { set: { x-routed: v2 } } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front }
spec:
  hosts: [front]
  http: [{ route: [{ destination: { host: reflection, subset: v2, port: { number: 80 } } }] }]
  tcp: [{ route: [{ destination: { host: mirror.shop.svc.cluster.local, port: { number: 84 } } }] }]
`;

const view = (namespace: string, name: string): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload: `${namespace}/${name}-1`,
  serviceAccount: name,
  labels: { app: name },
});

async function clientOf(t: TestContext): Promise<Pod> {
  const [near, far] = await linkedNetworks(t);
  await serveOutside(t, near.outside, { http: 8080, https: 8443, greeter: 8084 }, "*.example.com");
  const world = await startWorld(t, mesh(far), {
    settings: { outboundTrafficPolicy: "REGISTRY_ONLY" },
    names: { "named.example.com": near.outside },
  });
  const [client] = await Promise.all([
    world.proxy(near, view("default", "client"), {}),
    world.proxy(far, view("shop", "echo"), { 8080: "http", 8084: "server-first" }),
  ]);
  return client;
}

const CLIENT_ID = /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/client/;

test("a name for a host of the mesh is routed as the host is, and names may have names", async (t) => {
  const client = await clientOf(t);
  const ask = (host: string, path = "/", to = VIP): Promise<Answer> =>
    client.ask({ kind: "http", host: to, port: 80, path, headers: { host } });

  for (const host of [
    "mirror.shop.svc.cluster.local",
    "mirror.shop",
    "reflection",
    "reflection.default:80",
  ]) {
    const { status, body } = await ask(host);
    assert.equal(status, 200, `${host}: ${body}`);
    const { headers } = JSON.parse(body) as Seen;
    assert.equal(headers["x-routed"], "v2", host);
    assert.match(String(headers["x-forwarded-client-cert"]), CLIENT_ID, host);
    assert.equal(headers.host, host, "the server is told what was asked for");
    assert.equal((await ask(host, "/v1")).status, 503, `${host}: a subset without endpoints`);
  }
  assert.equal((await ask("mirror")).status, 502, "a short name of another namespace");

  const routed = await ask("front", "/", "10.96.0.11");
  assert.equal(routed.status, 200, routed.body);
  assert.match(
    String((JSON.parse(routed.body) as Seen).headers["x-forwarded-client-cert"]),
    CLIENT_ID,
    "a destination may be told by a name, with a subset of the host that it stands for",
  );
  const greeted = await client.ask({ kind: "server-first", host: "10.96.0.11", port: 84 });
  assert.equal(greeted.body, "welcome", "connections, too");
  const handshakes = await client.stat("cluster.outbound.84..echo.shop.*ssl.handshake");
  assert.equal(handshakes, 1, "with mutual TLS");
});

test("a name for a host outside of the mesh is looked up", async (t) => {
  const client = await clientOf(t);
  const headers = { host: "partner.default.svc.cluster.local:8080" };
  const answer = await client.ask({ kind: "http", host: NOWHERE, port: 8080, headers });
  assert.equal(answer.status, 200, answer.body);
  assert.equal((JSON.parse(answer.body) as SeenOutside).host, headers.host);
});
