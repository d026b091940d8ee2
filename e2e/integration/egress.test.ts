/** The samples of docs/egress.md, run: a sidecar, an egress gateway, and servers that are of no mesh. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import { checkout } from "../harness/environment.ts";
import { type Certificate, type SeenOutside, serveOutside } from "./outside.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Answer } from "./translation-app.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const sample = (name: string): string =>
  readFileSync(join(checkout, `manifests/samples/egress/${name}.yaml`), "utf8");

const mesh = ({ ip }: PodNetwork, { roots }: Certificate): string => `
apiVersion: v1
kind: Service
metadata: { name: istio-egressgateway, namespace: mesh-system }
spec:
  clusterIP: 10.96.0.9
  selector: { istio: egressgateway }
  ports:
    - { name: http2, port: 80, targetPort: 8080 }
    - { name: tls, port: 443, targetPort: 8443 }
    - { name: https-mutual, port: 8443, targetPort: 9443 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: egress-1, namespace: mesh-system, labels: { kubernetes.io/service-name: istio-egressgateway } }
addressType: IPv4
ports: [{ name: http2, port: 8080 }, { name: tls, port: 8443 }, { name: https-mutual, port: 9443 }]
endpoints: [{ addresses: ["${ip}"], targetRef: { kind: Pod, namespace: mesh-system, name: egress-1 } }]
---
apiVersion: v1
kind: Pod
metadata: { name: egress-1, namespace: mesh-system, labels: { istio: egressgateway } }
spec: { serviceAccountName: istio-egressgateway, containers: [{ name: istio-proxy }] }
status: { podIP: "${ip}" }
---
apiVersion: v1
kind: Secret
metadata: { name: upgraded-roots, namespace: mesh-system }
type: Opaque
data: { ca.crt: ${Buffer.from(roots).toString("base64")} }
---
`;

const CLIENT: ProxyView = {
  kind: "sidecar",
  namespace: "default",
  workload: "default/client-1",
  serviceAccount: "client",
  labels: { app: "client" },
};
const EGRESS: ProxyView = {
  kind: "gateway",
  namespace: "mesh-system",
  workload: "mesh-system/egress-1",
  serviceAccount: "istio-egressgateway",
  labels: { istio: "egressgateway" },
};

/** An address where nobody is: only the mesh knows what is meant. */
const NOWHERE = "192.0.2.200";

interface Scene {
  readonly client: Pod;
  readonly gateway: Pod;
}

/** The server is where the gateway gets to, and the client does not. */
async function scene(t: TestContext, name: string): Promise<Scene> {
  const [near, edge] = await linkedNetworks(t);
  const host = "*.example.com";
  const { certificate } = await serveOutside(t, edge.outside, { http: 80, https: 443 }, host);
  const names = ["edition", "sealed", "upgraded"].map((one) => [
    `${one}.example.com`,
    edge.outside,
  ]);
  const world = await startWorld(t, mesh(edge, certificate) + sample(name), {
    names: Object.fromEntries(names) as Readonly<Record<string, string>>,
  });
  const [client, gateway] = await Promise.all([
    world.proxy(near, CLIENT, {}),
    world.proxy(edge, EGRESS, {}),
  ]);
  return { client, gateway };
}

const seenBy = ({ status, body }: Answer): SeenOutside => {
  assert.equal(status, 200, body);
  return JSON.parse(body) as SeenOutside;
};

test("HTTP leaves by the egress gateway", { timeout: 120_000 }, async (t) => {
  const { client, gateway } = await scene(t, "http");
  const headers = { host: "edition.example.com" };
  const seen = seenBy(await client.ask({ kind: "http", host: NOWHERE, port: 80, headers }));
  assert.deepEqual(seen, { host: "edition.example.com", from: gateway.network.ip });
});

test("TLS of the application's leaves by the egress gateway unopened", {
  timeout: 120_000,
}, async (t) => {
  const { client, gateway } = await scene(t, "tls-passthrough");
  const headers = { host: "sealed.example.com" };
  const seen = seenBy(await client.ask({ kind: "https", host: NOWHERE, port: 443, headers }));
  const servername = "sealed.example.com";
  assert.deepEqual(seen, { host: servername, servername, from: gateway.network.ip });
});

test("HTTP goes to the egress gateway by mutual TLS, and on by TLS of the gateway's", {
  timeout: 120_000,
}, async (t) => {
  const { client, gateway } = await scene(t, "tls-origination");
  const headers = { host: "upgraded.example.com" };
  const seen = seenBy(await client.ask({ kind: "http", host: NOWHERE, port: 80, headers }));
  const servername = "upgraded.example.com";
  assert.deepEqual(seen, { host: servername, servername, from: gateway.network.ip });
  assert.ok((await gateway.stat("listener.0.0.0.0_9443.ssl.handshake")) > 0, "the mesh's TLS");
});
