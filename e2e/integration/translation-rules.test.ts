/** What rules do with requests and connections, run through the Envoys of a client and a server. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PodNetwork } from "./pod-network.ts";
import type { Answer, Seen } from "./translation-app.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const VIP = "10.96.0.10";
/** Begins like a PNG, and is no text. */
const IMAGE = "iVBORw0KGgo=";

const mesh = (client: PodNetwork, server: PodNetwork): string => `
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  clusterIP: ${VIP}
  selector: { app: echo }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
    - { name: tcp-heard, port: 83, targetPort: 8083 }
    - { name: tcp-greets, port: 84, targetPort: 8084 }
    - { name: tcp-either, port: 85, targetPort: 8083 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports:
  - { name: http, port: 8080 }
  - { name: tcp-heard, port: 8083 }
  - { name: tcp-greets, port: 8084 }
  - { name: tcp-either, port: 8083 }
endpoints: [{ addresses: ["${server.ip}"], targetRef: { kind: Pod, namespace: default, name: echo-1 } }]
---
apiVersion: v1
kind: Pod
metadata: { name: echo-1, labels: { app: echo, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${server.ip}" }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
    - match: [{ uri: { prefix: /image } }]
      directResponse: { status: 200, body: { bytes: ${IMAGE} } }
    - match: [{ uri: { prefix: /moved } }]
      redirect: { uri: /here, derivePort: FROM_REQUEST_PORT }
    - match: [{ uri: { prefix: /broken } }]
      fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } }
      route: [{ destination: { host: echo, port: { number: 80 } } }]
    - match: [{ uri: { prefix: /members } , headers: { "@request.auth.claims.group": { exact: dev } } }]
      directResponse: { status: 200 }
    - match: [{ uri: { prefix: /members } }]
      directResponse: { status: 403 }
    - match: [{ uri: { prefix: /api }, withoutHeaders: { x-old: { exact: "yes" } }, queryParams: { v: { regex: "[23]" } }, ignoreUriCase: true }]
      rewrite: { uriRegexRewrite: { match: "^/api/(.*)$", rewrite: '/v/\\1' }, authority: inner }
      headers: { response: { add: { x-served: "yes" } } }
      route: [{ destination: { host: echo, port: { number: 80 } } }]
    - match: [{ uri: { prefix: /delegated } }]
      delegate: { name: part, namespace: team }
    - corsPolicy: { allowOrigins: [{ exact: "https://friend.example" }], allowMethods: [PUT], maxAge: 10m }
      route: [{ destination: { host: echo, port: { number: 80 } } }]
  tcp:
    - match: [{ port: 85, sourceSubnet: 192.0.2.0/24 }]
      route: [{ destination: { host: echo, port: { number: 83 } } }]
    - match: [{ port: 85, sourceSubnet: "${client.ip}/32" }]
      route: [{ destination: { host: echo, port: { number: 84 } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: part, namespace: team }
spec:
  http:
    - match: [{ uri: { prefix: /delegated/one } }]
      directResponse: { status: 201 }
    - directResponse: { status: 202 }
`;

async function clientOf(t: TestContext): Promise<Pod> {
  const [near, far] = await linkedNetworks(t);
  const world = await startWorld(t, mesh(near, far));
  const view = (name: string) =>
    ({
      kind: "sidecar",
      namespace: "default",
      workload: `default/${name}-1`,
      serviceAccount: name,
      labels: { app: name },
    }) as const;
  const [asking] = await Promise.all([
    world.proxy(near, view("client"), {}),
    world.proxy(far, view("echo"), { 8080: "http", 8083: "client-first", 8084: "server-first" }),
  ]);
  return asking;
}

test("rules answer, redirect, break, rewrite and delegate requests", async (t) => {
  const pod = await clientOf(t);
  const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    pod.ask({ kind: "http", host: VIP, port: 80, path, headers: { host: "echo", ...headers } });

  const image = await get("/image");
  assert.equal(image.headers["content-length"], String(Buffer.from(IMAGE, "base64").length));
  const moved = await get("/moved");
  assert.deepEqual([moved.status, moved.headers.location], [301, "http://echo/here"]);
  assert.equal((await get("/broken")).status, 418);
  assert.equal((await get("/members")).status, 403, "no token has been verified");

  const rewritten = await get("/API/things?v=3");
  assert.equal(rewritten.headers["x-served"], "yes");
  assert.equal((JSON.parse(rewritten.body) as Seen).headers.host, "inner");
  for (const [path, headers] of [
    ["/api/things?v=4", {}],
    ["/api/things?v=2", { "x-old": "yes" }],
  ] as const)
    assert.equal((await get(path, headers)).headers["x-served"], undefined, path);

  assert.equal((await get("/delegated/one")).status, 201);
  assert.equal((await get("/delegated/two")).status, 202);
  assert.equal((await get("/other")).status, 200);
});

test("who asks from another origin is told whether the policy allows it", async (t) => {
  const pod = await clientOf(t);
  const allowed = async (origin: string): Promise<unknown> => {
    const headers = { host: "echo", origin };
    const { headers: got } = await pod.ask({ kind: "http", host: VIP, port: 80, headers });
    return got["access-control-allow-origin"];
  };
  assert.equal(await allowed("https://friend.example"), "https://friend.example");
  assert.equal(await allowed("https://stranger.example"), undefined);
});

test("connections go where rules for their client's subnet say", async (t) => {
  const pod = await clientOf(t);
  const heard = await pod.ask({ kind: "client-first", host: VIP, port: 83 });
  assert.equal(heard.body, "heard hello", "no rule is for this port");
  const greeted = await pod.ask({ kind: "server-first", host: VIP, port: 85 });
  assert.equal(greeted.body, "welcome", "the second rule's subnet is the client's");
});
