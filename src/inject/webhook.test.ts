import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { Authority } from "../ca/authority.ts";
import { createRoot, loadIssuer } from "../ca/root.ts";
import type { AdmissionResponse, PatchOperation } from "./admission.ts";
import type { InjectorOptions } from "./injector.ts";
import { Webhook } from "./webhook.ts";

const DNS_NAME = "meshwright-control-plane.mesh-system.svc";
const now = new Date();
const root = await createRoot({ trustDomain: "cluster.local", now, ttlMs: 3_600_000 });
const authority = new Authority(await loadIssuer(root, { source: "test", now }), {
  workloadTtlMs: 3_600_000,
  now: () => now,
});
const trusted: string[] = [];
const broken = new Set<string>();
const options: InjectorOptions = {
  sidecar: {
    image: "proxy",
    imagePullPolicy: "IfNotPresent",
    controlPlaneNamespace: "mesh-system",
    clusterDomain: "cluster.local",
    revision: "default",
  },
  policy: { revision: "default", excludedNamespaces: ["mesh-system"] },
  namespaceLabels: (name) => (name === "shop" ? { "istio-injection": "enabled" } : {}),
  ensureTrust: async (namespace) => {
    await Promise.resolve();
    if (broken.has(namespace)) throw new Error("the API server is away");
    trusted.push(namespace);
  },
  log: () => {},
};
const webhook = new Webhook(await authority.issueServing([DNS_NAME]), options);
let port = 0;
before(async () => {
  port = await webhook.listen(0, "127.0.0.1");
});
after(() => webhook.close());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly serial: string;
}

/** One request on a connection of its own, which verifies the webhook as the API server does. */
function call(method: string, path: string, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const tls = { ca: root["root-cert.pem"], servername: DNS_NAME, agent: false as const };
    const req = request({ host: "127.0.0.1", port, method, path, ...tls }, (res) => {
      const serial = (res.socket as TLSSocket).getPeerCertificate().serialNumber;
      text(res).then((all) => resolve({ status: res.statusCode ?? 0, body: all, serial }), reject);
    });
    req.on("error", reject).end(body);
  });
}

const POD = { metadata: { generateName: "web-" }, spec: { containers: [{ name: "web" }] } };

async function review(fields: object, path = "/inject?timeout=10s"): Promise<AdmissionResponse> {
  const requested = {
    uid: "u1",
    kind: { group: "", version: "v1", kind: "Pod" },
    namespace: "shop",
    operation: "CREATE",
    object: POD,
    ...fields,
  };
  const kind = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
  const { status, body } = await call(
    "POST",
    path,
    JSON.stringify({ ...kind, request: requested }),
  );
  assert.equal(status, 200);
  const answer = JSON.parse(body) as { readonly response: AdmissionResponse };
  assert.deepEqual({ ...answer, response: null }, { ...kind, response: null });
  assert.equal(answer.response.uid, "u1");
  return answer.response;
}

const patchOf = ({ patch = "" }: AdmissionResponse): readonly PatchOperation[] =>
  JSON.parse(Buffer.from(patch, "base64").toString()) as readonly PatchOperation[];

test("a pod gets its sidecar, and its namespace the roots before that", async () => {
  const response = await review({});
  assert.equal(response.allowed, true);
  assert.deepEqual(
    patchOf(response).map(({ op, path }) => `${op} ${path}`),
    [
      "add /metadata/labels",
      "add /metadata/annotations",
      "add /spec/initContainers",
      "add /spec/volumes",
    ],
  );
  assert.deepEqual(trusted, ["shop"]);
});

test("Istio's path parameters change nothing", async () => {
  assert.equal((await review({}, "/inject/cluster/c/net/n")).patchType, "JSONPatch");
});

test("a dry run writes nothing", async () => {
  const count = trusted.length;
  assert.equal((await review({ dryRun: true })).patchType, "JSONPatch");
  assert.equal(trusted.length, count);
});

test("a pod that can have no sidecar is let through as it is", async () => {
  const object = { ...POD, spec: { ...POD.spec, hostNetwork: true } };
  assert.deepEqual(await review({ object }), { uid: "u1", allowed: true });
});

test("a pod of a namespace whose labels have not come yet gets its sidecar", async () => {
  assert.equal((await review({ namespace: "new" })).patchType, "JSONPatch");
});

test("a pod is not refused for want of roots", async () => {
  broken.add("shop");
  assert.equal((await review({})).patchType, "JSONPatch");
  broken.clear();
});

test("an annotation that cannot be followed refuses the pod, and says what to do", async () => {
  const annotations = { "traffic.sidecar.istio.io/excludeInboundPorts": "http" };
  const response = await review({ object: { ...POD, metadata: { name: "web", annotations } } });
  assert.equal(response.allowed, false);
  assert.equal(response.status?.code, 400);
  assert.match(
    response.status?.message ?? "",
    /^Pod shop\/web: annotation traffic\.sidecar\.istio\.io\/excludeInboundPorts is "http", .*MESH0601.*: correct the annotation/,
  );
});

const TEMPLATES = "inject.istio.io/templates";

for (const [what, metadata, containers, want] of [
  [
    "a gateway of Istio's chart",
    { name: "web", annotations: { [TEMPLATES]: "gateway" } },
    [{ name: "istio-proxy", image: "auto" }],
    /^Pod shop\/web: annotation inject\.istio\.io\/templates is "gateway", .*MESH0601.*spec\.gateways of the MeshConfig/,
  ],
  [
    "a template that nobody knows, among others",
    { name: "web", annotations: { [TEMPLATES]: "sidecar, own" } },
    [{ name: "web" }],
    /is "own", which is not sidecar or grpc-agent \(MESH0601\): name one of the two/,
  ],
  [
    "a proxy without an application",
    { name: "web" },
    [{ name: "istio-proxy", image: "auto" }],
    /^Pod shop\/web: istio-proxy is its only container \(MESH0601\): .*spec\.gateways of the MeshConfig/,
  ],
  [
    "a proxy without an application of gRPC",
    { name: "web", annotations: { [TEMPLATES]: "grpc-agent" } },
    [{ name: "istio-proxy", image: "auto" }],
    /^Pod shop\/web: istio-proxy is its only container \(MESH0601\): /,
  ],
] as const)
  test(`what cannot be made is refused with a remedy: ${what}`, async () => {
    const { allowed, status } = await review({ object: { metadata, spec: { containers } } });
    assert.equal(allowed, false);
    assert.equal(status?.code, 400);
    assert.match(status?.message ?? "", want);
  });

test("the template of a sidecar is that of every pod", async () => {
  const metadata = { name: "web", annotations: { [TEMPLATES]: "sidecar" } };
  const { allowed, patch } = await review({ object: { ...POD, metadata } });
  assert.ok(allowed && patch !== undefined);
});

test("what is no pod is refused with a remedy", async () => {
  const kind = { group: "", version: "v1", kind: "Service" };
  const { allowed, status } = await review({ kind, object: { metadata: { name: "web" } } });
  assert.equal(allowed, false);
  assert.match(status?.message ?? "", /Pod shop\/web: the webhook was asked about a Service/);
});

test("what is no review is told apart", async () => {
  assert.equal((await call("GET", "/healthz")).status, 200);
  assert.equal((await call("GET", "/inject")).status, 405);
  assert.equal((await call("POST", "/validate", "{}")).status, 404);
  for (const body of ["", "{}", "[]", "null", '{"request": {"uid": 1}}', "{"])
    assert.equal((await call("POST", "/inject", body)).status, 400, body);
});

test("a renewed certificate is served without a restart", async () => {
  const { serial } = await call("GET", "/healthz");
  webhook.renew(await authority.issueServing([DNS_NAME]));
  assert.notEqual((await call("GET", "/healthz")).serial, serial);
});

/** A connection that is kept after an answer, until the test ends or the server ends it. */
async function keptConnection(
  t: TestContext,
  on: number,
): Promise<Pick<IncomingMessage, "headers" | "socket">> {
  const agent = new Agent({ keepAlive: true, ca: root["root-cert.pem"], servername: DNS_NAME });
  t.after(() => agent.destroy());
  const req = request({ host: "127.0.0.1", port: on, path: "/healthz", agent }).end();
  const [response] = (await once(req, "response")) as [IncomingMessage];
  const { headers, socket } = response;
  await text(response);
  return { headers, socket };
}

test("an idle connection is kept for longer than the API server keeps it", async (t) => {
  const { headers } = await keptConnection(t, port);
  assert.equal(headers["keep-alive"], "timeout=120");
});

test("an idle connection does not keep the server from closing", async (t) => {
  const other = new Webhook(await authority.issueServing([DNS_NAME]), options);
  const { socket } = await keptConnection(t, await other.listen(0, "127.0.0.1"));
  await Promise.all([once(socket, "close"), other.close()]);
});
