/** The injector against a real API server, and what it makes of pods against the real Envoy. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { Container, PodSpec } from "../../src/api/gen/kubernetes.ts";
import { PROXY_CONTAINER, PROXY_DIRECTORY } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { Authority } from "../../src/ca/authority.ts";
import { createRoot, loadIssuer } from "../../src/ca/root.ts";
import { parseReview, reviewOf } from "../../src/inject/admission.ts";
import { gatewayPodSpec } from "../../src/inject/pod/gateway.ts";
import { Webhook } from "../../src/inject/webhook.ts";
import type { Client } from "../../src/kube/client.ts";
import { ApiServer } from "../harness/api-server.ts";
import { checkout } from "../harness/environment.ts";
import { envoyBinary } from "../harness/tools.ts";
import { waitFor } from "../harness/wait.ts";
import { expand, ProjectedVolume, volumeFiles } from "./bootstrap-proxy.ts";

type Pod = KubeObject<PodSpec>;

const run = promisify(execFile);
const SHOP = "shop";
const POD_KIND = { apiVersion: "v1", kind: "Pod" } as const;
const stories = globSync("src/inject/pod/testdata/*.in.yaml", { cwd: checkout }).sort();
if (stories.length === 0) throw new Error("no pods to inject: this test would test nothing");

const now = new Date();
const cacerts = await createRoot({ trustDomain: "cluster.local", now, ttlMs: 3_600_000 });
const authority = new Authority(await loadIssuer(cacerts, { source: "the test", now }), {
  workloadTtlMs: 3_600_000,
  now: () => now,
});
const certificate = await authority.issueServing(["localhost"]);
/** What admission of service accounts, which needs a controller manager, would have added. */
const ACCOUNT = { serviceAccountName: "default" };
const trusted = new Set<string>();
const injector = new Webhook(certificate, {
  sidecar: {
    image: "meshwright.local/meshwright-proxy:test",
    imagePullPolicy: "IfNotPresent",
    controlPlaneNamespace: "mesh-system",
    clusterDomain: "cluster.local",
    revision: "default",
  },
  policy: { revision: "default", excludedNamespaces: ["mesh-system"] },
  namespaceLabels: (name) => (name === SHOP ? { "istio-injection": "enabled" } : {}),
  ensureTrust: async (namespace) => void trusted.add(namespace),
  log: () => {},
});
const late: Container = { name: "late", image: "late", readinessProbe: { tcpSocket: { port: 9 } } };
let adder: Server;
let api: ApiServer;
let kube: Client;

before(async () => {
  api = await ApiServer.start();
  kube = api.client();
  await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: SHOP } });
  adder = await startAdder();
  const { port } = adder.address() as AddressInfo;
  await kube.create(webhook("a-injector", await injector.listen(0, "127.0.0.1")));
  await kube.create(webhook("b-adder", port, { matchLabels: { add: "late" } }));
  await waitFor(
    { description: "webhook in force", deadlineMs: 30_000 },
    async () =>
      (await create(pod({ name: "probe" }), { dryRun: true })).spec?.initContainers !== undefined,
  );
});

after(async () => {
  kube.close();
  await api.stop();
  await injector.close();
  adder.close();
});

/** Somebody else's webhook, called after ours, that adds a container to pods. */
async function startAdder(): Promise<Server> {
  const server = createServer(
    { cert: certificate.certChainPem, key: certificate.keyPem },
    (request, response) => {
      text(request).then(
        (body) => {
          const review = parseReview(body);
          const { spec } = (review?.object ?? {}) as Partial<Pod>;
          const isThere = spec?.containers.some(({ name }) => name === late.name);
          const patch = isThere ? [] : [{ op: "add", path: "/spec/containers/-", value: late }];
          const encoded = Buffer.from(JSON.stringify(patch)).toString("base64");
          const answer = { uid: review?.uid ?? "", allowed: true, patch: encoded };
          response.end(JSON.stringify(reviewOf({ ...answer, patchType: "JSONPatch" })));
        },
        () => response.destroy(),
      );
    },
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return server;
}

const webhook = (
  name: string,
  port: number,
  objectSelector: object = {},
): KubeObject & { readonly webhooks: readonly object[] } => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name },
  webhooks: [
    {
      name: `${name}.test.meshwright.dev`,
      admissionReviewVersions: ["v1"],
      sideEffects: "NoneOnDryRun",
      reinvocationPolicy: "IfNeeded",
      clientConfig: {
        url: `https://localhost:${port}/inject`,
        caBundle: Buffer.from(cacerts["root-cert.pem"]).toString("base64"),
      },
      rules: [
        { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
      ],
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": SHOP } },
      objectSelector,
    },
  ],
});

const pod = (metadata: Partial<Pod["metadata"]>, spec: Partial<PodSpec> = {}): Pod => ({
  ...POD_KIND,
  metadata: { name: "web", namespace: SHOP, ...metadata },
  spec: { ...ACCOUNT, containers: [{ name: "web", image: "web" }], ...spec },
});

const create = (object: Pod, options: { dryRun?: boolean } = {}): Promise<Pod> =>
  kube.create(object, options);

const names = (containers: readonly Container[] = []): string[] =>
  containers.map(({ name }) => name);

/** The bootstrap of the pod's proxy, as it starts there, put to the real Envoy. */
async function validate(spec: PodSpec | undefined): Promise<void> {
  const proxy = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(
    ({ name }) => name === PROXY_CONTAINER,
  );
  const undo: (() => Promise<void>)[] = [];
  try {
    const files = volumeFiles("t", cacerts["root-cert.pem"]);
    const volume = await ProjectedVolume.create(
      { after: (f) => void undo.push(f as never) },
      files,
    );
    const env = { POD_IP: "10.0.0.1", POD_NAME: "web-1", POD_NAMESPACE: SHOP };
    const args = (proxy?.args ?? []).map((argument) =>
      expand(argument, env).replaceAll(PROXY_DIRECTORY, volume.path),
    );
    await run(await envoyBinary(), ["--mode", "validate", ...args]);
  } finally {
    for (const f of undo) await f();
  }
}

for (const file of stories)
  test(`the API server takes the pod and Envoy its bootstrap: ${basename(file, ".in.yaml")}`, async () => {
    const input = parse(readFileSync(join(checkout, file), "utf8")) as Pod;
    const metadata = { ...input.metadata, namespace: SHOP };
    const { spec } = await create(
      { ...input, metadata, spec: { containers: [], ...ACCOUNT, ...input.spec } },
      { dryRun: true },
    );
    assert.equal(spec?.initContainers?.[0]?.name, PROXY_CONTAINER);
    assert.equal(spec.initContainers[0].restartPolicy, "Always");
    await validate(spec);
  });

test("the API server takes a gateway's pod and Envoy its bootstrap", async () => {
  const spec = gatewayPodSpec({
    name: "istio-ingressgateway",
    serviceAccount: "default",
    image: "proxy",
    controlPlaneNamespace: "mesh-system",
    clusterDomain: "cluster.local",
    ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
  });
  const object = { ...POD_KIND, metadata: { name: "gateway", namespace: "default" }, spec };
  await validate((await create(object, { dryRun: true })).spec);
});

test("when another webhook adds a container, the API server asks again and all fits", async () => {
  const { spec } = await create(pod({ name: "late", labels: { add: "late" } }), { dryRun: true });
  assert.deepEqual(names(spec?.initContainers), ["istio-proxy", "istio-init"]);
  assert.deepEqual(names(spec?.containers), ["web", "late"]);
  const [, added] = spec?.containers ?? [];
  assert.equal(added?.readinessProbe?.httpGet?.path, "/app-health/late/readyz");
  assert.equal(spec?.volumes?.filter(({ name }) => name === "meshwright-proxy").length, 1);
  await validate(spec);
});

test("a pod that is created makes its namespace trust the mesh first, a dry run does not", async () => {
  trusted.clear();
  await create(pod({ name: "dry" }), { dryRun: true });
  assert.deepEqual([...trusted], []);
  await create(pod({ name: "real" }));
  assert.deepEqual([...trusted], [SHOP]);
});

test("who creates a pod that cannot be injected is told why", async () => {
  const annotations = { "sidecar.istio.io/proxyMemory": "lots" };
  await assert.rejects(
    create(pod({ name: "greedy", annotations }), { dryRun: true }),
    /Pod shop\/greedy: annotation sidecar\.istio\.io\/proxyMemory is "lots".*correct the annotation/,
  );
});
