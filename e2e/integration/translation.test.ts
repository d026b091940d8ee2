/** What the translator makes of a mesh, run: applications, capture, and a stock Envoy at each end. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Seen, Speaks } from "./translation-app.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const PORTS: Readonly<Record<string, Speaks>> = {
  8080: "http",
  8081: "http2",
  8082: "http",
  8083: "client-first",
  8084: "server-first",
  8085: "http2",
};

/** A service that speaks everything, and routing for it. */
const mesh = ({ ip, ip6 }: PodNetwork, vips: readonly string[]): string => `
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  clusterIP: "${vips[0]}"
  clusterIPs: ${JSON.stringify(vips)}
  selector: { app: echo }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
    - { name: grpc, port: 81, targetPort: 8081 }
    - { name: unnamed, port: 82, targetPort: 8082 }
    - { name: opaque, port: 83, targetPort: 8083 }
    - { name: tcp-greets, port: 84, targetPort: 8084 }
    - { name: detected2, port: 85, targetPort: 8085 }
---
${[ip, ip6]
  .map(
    (address, i) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-${i}, labels: { kubernetes.io/service-name: echo } }
addressType: ${i === 0 ? "IPv4" : "IPv6"}
ports:
  - { name: http, port: 8080 }
  - { name: grpc, port: 8081 }
  - { name: unnamed, port: 8082 }
  - { name: opaque, port: 8083 }
  - { name: tcp-greets, port: 8084 }
  - { name: detected2, port: 8085 }
endpoints: [{ addresses: ["${address}"], targetRef: { kind: Pod, namespace: default, name: echo-1 } }]
`,
  )
  .filter((_, i) => vips.some((vip) => vip.includes(":") === (i === 1)))
  .join("---\n")}
---
apiVersion: v1
kind: Pod
metadata: { name: echo-1, labels: { app: echo, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${ip}", podIPs: [{ ip: "${ip}" }, { ip: "${ip6}" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client-1, labels: { app: client } }
spec: { serviceAccountName: client, containers: [{ name: client }] }
status: { podIP: "${ip}", podIPs: [{ ip: "${ip}" }, { ip: "${ip6}" }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
    - match: [{ headers: { end-user: { exact: jason } }, uri: { prefix: /old } }]
      rewrite: { uri: /new }
      headers: { request: { set: { x-routed: "yes" } } }
      route: [{ destination: { host: echo } }]
    - match: [{ uri: { prefix: /gone } }]
      directResponse: { status: 410 }
    - match: [{ uri: { prefix: /nowhere } }]
      route: [{ destination: { host: nobody } }]
    - route: [{ destination: { host: echo } }]
`;

const view = (name: string): ProxyView => ({
  kind: "sidecar",
  namespace: "default",
  workload: `default/${name}-1`,
  serviceAccount: name,
  labels: { app: name },
});

interface Scene {
  readonly client: Pod;
  readonly server: Pod;
  readonly vip: string;
}

async function scene(t: TestContext, vip: string): Promise<Scene> {
  const [near, far] = await linkedNetworks(t);
  const world = await startWorld(t, mesh(far, [vip]));
  const [client, server] = await Promise.all([
    world.proxy(near, view("client"), {}),
    world.proxy(far, view("echo"), PORTS),
  ]);
  return { client, server, vip };
}

const CLIENT_ID = /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/client/;

/** The application's view of an HTTP request that the client's pod makes. */
async function request(
  { client, vip }: Scene,
  port: number,
  kind: "http" | "http2" = "http",
  more: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Seen> {
  const { status, body } = await client.ask({ kind, host: vip, port, ...more });
  assert.equal(status, 200, body);
  return JSON.parse(body) as Seen;
}

for (const vip of ["10.96.0.10", "fd00:96::10"])
  test(`every protocol goes through both proxies with mutual TLS: ${vip}`, async (t) => {
    const at = await scene(t, vip);
    const ipv6 = vip.includes(":");

    for (const [port, kind, version] of [
      [80, "http", "1.1"],
      [81, "http2", "2.0"],
      [82, "http", "1.1"],
      [85, "http2", "2.0"],
    ] as const) {
      const seen = await request(at, port, kind);
      assert.match(String(seen.headers["x-forwarded-client-cert"]), CLIENT_ID, `port ${port}`);
      assert.equal(seen.version, version, `port ${port}`);
      const [from, to] = ipv6
        ? ["::6", at.server.network.ip6]
        : ["::ffff:127.0.0.6", `::ffff:${at.server.network.ip}`];
      assert.deepEqual([seen.from, seen.to], [from, to], "the pod's address, as without a mesh");
    }

    const before = await at.server.stat("listener.*15006.ssl.handshake");
    const heard = await at.client.ask({ kind: "client-first", host: vip, port: 83 });
    assert.equal(heard.body, "heard hello");
    const greeted = await at.client.ask({ kind: "server-first", host: vip, port: 84 });
    assert.equal(greeted.body, "welcome");
    assert.equal(await at.server.stat("listener.*15006.ssl.handshake"), before + 2, "both by TLS");
  });

test("requests follow the rules, by every name of the host", async (t) => {
  const at = await scene(t, "10.96.0.10");
  for (const host of ["echo", "echo.default", "echo.default.svc.cluster.local:80"]) {
    const headers = { host, "end-user": "jason" };
    const { path, headers: got } = await request(at, 80, "http", { path: "/old/1", headers });
    assert.deepEqual([path, got["x-routed"]], ["/new/1", "yes"], host);
  }
  const status = async (path: string, host = "echo"): Promise<number> =>
    (await at.client.ask({ kind: "http", host: at.vip, port: 80, path, headers: { host } })).status;
  assert.equal(await status("/gone"), 410);
  assert.equal(await status("/nowhere"), 503, "a destination that is not there");
});

test("plaintext from outside the mesh is let in, ports of no service too", async (t) => {
  const { server } = await scene(t, "10.96.0.10");
  const direct = await fetch(`http://${server.network.ip}:8080/`);
  const seen = (await direct.json()) as Seen;
  assert.equal(seen.headers["x-forwarded-client-cert"], undefined);
  const detected = await fetch(`http://${server.network.ip}:8082/`, {
    headers: { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/admin" },
  });
  const claimed = (await detected.json()) as Seen;
  assert.equal(claimed.headers["x-forwarded-client-cert"], undefined, "what clients claim is cut");
});
