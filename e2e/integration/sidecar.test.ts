/** What a Sidecar lets a workload see, and where it takes what comes, with stock Envoys and real traffic. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Answer, Seen } from "./translation-app.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const VIPS = { echo: "10.96.0.10", hidden: "10.96.0.11" } as const;

/** Two services of the same pod, of which the client's Sidecar imports one. */
const service = (name: keyof typeof VIPS, { ip }: PodNetwork): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  clusterIP: ${VIPS[name]}
  selector: { app: echo }
  ports: [{ name: http, port: 80, targetPort: 8080 }, { name: http-socket, port: 81, targetPort: 8081 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-0, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: http-socket, port: 8081 }]
endpoints: [{ addresses: ["${ip}"], targetRef: { kind: Pod, namespace: default, name: echo-1 } }]
---
`;

interface Sockets {
  readonly app: string;
  readonly mesh: string;
}

const mesh = (server: PodNetwork, { app, mesh: socket }: Sockets): string => `
${service("echo", server)}
${service("hidden", server)}
apiVersion: v1
kind: Pod
metadata: { name: echo-1, labels: { app: echo, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${server.ip}" }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: client }
spec:
  workloadSelector: { labels: { app: client } }
  outboundTrafficPolicy: { mode: REGISTRY_ONLY }
  egress:
    - hosts: ["./echo.default.svc.cluster.local"]
    - port: { number: 3128, protocol: HTTP_PROXY, name: proxy }
      captureMode: NONE
      hosts: ["./echo.default.svc.cluster.local"]
    - bind: unix://${socket}
      port: { number: 0, protocol: HTTP, name: socket }
      hosts: ["./echo.default.svc.cluster.local"]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: echo }
spec:
  workloadSelector: { labels: { app: echo } }
  ingress:
    - port: { number: 8080, protocol: HTTP, name: http }
      defaultEndpoint: 127.0.0.1:9090
    - port: { number: 8081, protocol: HTTP, name: http-socket }
      defaultEndpoint: unix://${app}
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
  readonly sockets: Sockets;
}

async function scene(t: TestContext, name: "client" | "other"): Promise<Scene> {
  const [near, far] = await linkedNetworks(t);
  const directory = await mkdtemp(join(tmpdir(), "meshwright-sidecar-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const sockets = { app: join(directory, "app.sock"), mesh: join(directory, "mesh.sock") };
  await serveSocket(far, sockets.app);
  const world = await startWorld(t, mesh(far, sockets));
  const [client] = await Promise.all([
    world.proxy(near, view(name), {}),
    world.proxy(far, view("echo"), { 9090: "http" }),
  ]);
  return { client, sockets };
}

/** An application that listens at a Unix domain socket alone. */
async function serveSocket(network: PodNetwork, path: string): Promise<void> {
  const program = `require("node:http").createServer((_, answer) => answer.end("by socket"))
    .listen(${JSON.stringify(path)}, () => console.log("ready"))`;
  const app = network.start(process.execPath, ["-e", program]);
  if (app.stdout) await once(app.stdout, "data");
}

const ask = (pod: Pod, host: string, port: number, named: string): Promise<Answer> =>
  pod.ask({ kind: "http", host, port, headers: { host: named } });

test("a workload reaches what its Sidecar imports, and nothing else", async (t) => {
  const { client, sockets } = await scene(t, "client");
  assert.equal((await ask(client, VIPS.echo, 80, "echo")).status, 200);
  assert.equal((await ask(client, VIPS.hidden, 80, "hidden")).status, 502, "it is not imported");
  assert.equal((await ask(client, VIPS.echo, 80, "hidden")).status, 502, "it is told by its name");

  // Listeners of the proxy's own, to which nothing is captured.
  const proxied = await ask(client, "127.0.0.1", 3128, "echo.default.svc.cluster.local");
  assert.equal(proxied.status, 200, proxied.body);
  assert.equal((await ask(client, "127.0.0.1", 3128, "www.example.com")).status, 502);
  const curl = [
    "-sf",
    "--unix-socket",
    sockets.mesh,
    "http://echo.default.svc.cluster.local/there",
  ];
  const seen = JSON.parse(await client.network.run("curl", ...curl)) as Seen;
  assert.equal(seen.path, "/there");
});

test("what comes to a workload goes where its Sidecar says the application is", async (t) => {
  const { client } = await scene(t, "other");
  assert.equal((await ask(client, VIPS.hidden, 80, "hidden")).status, 200, "it sees all there is");
  const { status, body } = await ask(client, VIPS.echo, 80, "echo");
  assert.equal(status, 200, body);
  const { to, headers } = JSON.parse(body) as Seen;
  assert.equal(to, "::ffff:127.0.0.1", "the application sees loopback");
  assert.match(String(headers["x-forwarded-client-cert"]), /sa\/other/, "by mutual TLS");
  const bySocket = await ask(client, VIPS.echo, 81, "echo");
  assert.deepEqual([bySocket.status, bySocket.body], [200, "by socket"]);
});
