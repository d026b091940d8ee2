/** The whole control plane against a real API server. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { parse } from "yaml";
import type { ControlPlaneConfig } from "../../src/api/control-plane-config.ts";
import { KINDS } from "../../src/api/kinds.ts";
import {
  CACERTS_SECRET,
  CONTROL_PLANE,
  controlPlaneDnsNames,
  ROOT_CONFIG_MAP,
  ROOT_SECRET,
  TOKEN_AUDIENCE,
  WORKLOAD_SECRET,
} from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { type Cacerts, createRoot } from "../../src/ca/root.ts";
import type { Client } from "../../src/kube/client.ts";
import { runControlPlane } from "../../src/main/control-plane.ts";
import { AdsClient } from "../../src/testing/ads.ts";
import { createLog } from "../../src/util/log.ts";
import { ApiServer } from "../harness/api-server.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";

const CONFIG: ControlPlaneConfig = {
  mesh: "default",
  namespace: "mesh-system",
  rootNamespace: "mesh-system",
  trustDomain: "cluster.local",
  clusterDomain: "cluster.local",
  gatewayNamespaces: [],
  proxyImage: "meshwright.local/meshwright-proxy:test",
  workloadTtlMs: 86_400_000,
  outboundTrafficPolicy: "ALLOW_ANY",
  accessLogFile: "",
};
const HOST = "web.shop.svc.cluster.local";
const CLUSTER = `outbound|80||${HOST}`;
/** As long as none of them is a pod with a sidecar. */
const ENDPOINTS = "80||web.shop.";
const [SERVER_NAME = ""] = controlPlaneDnsNames(CONFIG.namespace, CONFIG.clusterDomain);
const soon = (description: string, deadlineMs = 30_000) => ({
  description,
  deadlineMs,
  intervalMs: 10,
  diagnose: async () => (await page("/debug/syncz")).body,
});

let api: ApiServer;
let kube: Client;
let cacerts: Cacerts;
let ports: { readonly xds: number; readonly webhook: number; readonly monitoring: number };
const running = new AbortController();
let ended: Promise<void>;

const apply = <T extends KubeObject>(object: T): Promise<T> =>
  kube.apply(object, { manager: "test", force: true });

/** Kinds that keep their content beside the spec. */
type Fields = Readonly<Record<string, unknown>>;

const namespaced = (kind: string, name: string, more: object, apiVersion = "v1"): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "shop" },
  ...more,
});

async function token(pod: KubeObject): Promise<string> {
  const { name, uid } = pod.metadata;
  const request = (await kube.request({
    doing: "request a token",
    method: "POST",
    path: "/api/v1/namespaces/shop/serviceaccounts/web/token",
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: [TOKEN_AUDIENCE],
        boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
      },
    },
  })) as { readonly status: { readonly token: string } };
  return request.status.token;
}

const page = async (path: string): Promise<{ readonly status: number; readonly body: string }> => {
  const response = await fetch(`http://127.0.0.1:${ports.monitoring}${path}`);
  return { status: response.status, body: await response.text() };
};

async function makeWorld(): Promise<void> {
  for (const file of await readdir("crds/istio")) {
    if (!file.endsWith(".yaml")) continue;
    await apply(parse(await readFile(`crds/istio/${file}`, "utf8")) as KubeObject);
  }
  for (const name of [CONFIG.namespace, "shop"])
    await apply({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, ...(name === "shop" && { labels: { "istio-injection": "enabled" } }) },
    });
  await apply(namespaced("ServiceAccount", "web", {}));
  await apply(
    namespaced("Service", "web", {
      spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }], selector: { app: "web" } },
    }),
  );
  await apply(endpointSlice("10.1.0.1"));
}

const endpointSlice = (...addresses: readonly string[]): KubeObject & Fields => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
});

const makePod = (name: string): Promise<KubeObject> =>
  apply(
    namespaced("Pod", name, {
      spec: { serviceAccountName: "web", containers: [{ name: "web", image: "web" }] },
    }),
  );

const makeRoot = (): Promise<KubeObject> => {
  const data = Object.entries(cacerts).map(([k, v]) => [k, Buffer.from(v).toString("base64")]);
  const secret: KubeObject & Fields = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: CACERTS_SECRET, namespace: CONFIG.namespace },
    data: Object.fromEntries(data),
  };
  return apply(secret);
};

async function connect(pod: string): Promise<AdsClient> {
  const tls = { rootsPem: cacerts["root-cert.pem"], serverName: SERVER_NAME };
  const client = new AdsClient({ port: ports.xds, tls, token: await token(await makePod(pod)) });
  client.subscribe("Cluster");
  return client;
}

before(async () => {
  api = await ApiServer.start();
  kube = api.client();
  await makeWorld();
  cacerts = await createRoot({ trustDomain: "cluster.local", now: new Date(), ttlMs: 86_400_000 });
  const [xds, webhook, monitoring] = [await freePort(), await freePort(), await freePort()];
  ports = { xds, webhook, monitoring };
  const log = createLog({ component: "control-plane", level: "error", format: "text" });
  const options = {
    config: CONFIG,
    log,
    client: api.client(),
    ports,
    host: "127.0.0.1",
    drainMs: 5_000,
  };
  ended = runControlPlane(options, running.signal);
});

after(async () => {
  running.abort();
  await ended;
  kube.close();
  await api.stop();
});

test("it waits, unready, for its root of trust, and is ready soon after", async () => {
  await waitFor(soon("monitoring"), async () => (await page("/healthz")).status === 200);
  assert.equal((await page("/readyz")).status, 503);
  await makeRoot();
  await waitFor(soon("readiness"), async () => (await page("/readyz")).status === 200);
});

test("a pod's proxy gets clusters, endpoints and its own certificate", async (t) => {
  const client = await connect("web-1");
  t.after(() => client.close());
  await waitFor(soon("cluster of the service"), () => client.held("Cluster").has(CLUSTER));
  client.subscribe("ClusterLoadAssignment", [ENDPOINTS]);
  client.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET]);
  client.subscribe("Listener");
  await waitFor(soon("certificate"), () => client.held("Secret").size === 2);
  await waitFor(soon("listeners"), () => client.held("Listener").size > 0);
  client.subscribe("RouteConfiguration", ["80"]);
  client.subscribe("VirtualHost");
  await waitFor(soon("virtual host"), () => client.held("VirtualHost").has(`80/${HOST}:80`));

  await apply(endpointSlice("10.1.0.1", "10.1.0.2"));
  await waitFor(soon("second endpoint"), () => {
    const { endpoints = [] } = client.decoded("ClusterLoadAssignment", ENDPOINTS) ?? {};
    return endpoints.flatMap(({ lbEndpoints = [] }) => lbEndpoints).length === 2;
  });

  await apply(
    namespaced(
      "VirtualService",
      "web",
      {
        spec: {
          hosts: ["web"],
          http: [{ timeout: "7s", route: [{ destination: { host: "web" } }] }],
        },
      },
      "networking.istio.io/v1",
    ),
  );
  await waitFor(soon("route with the timeout"), () => {
    const { routes = [] } = client.decoded("VirtualHost", `80/${HOST}:80`) ?? {};
    return routes.some(({ route }) => route?.timeout === "7s");
  });

  const sync = JSON.parse((await page("/debug/syncz")).body) as readonly { proxy: string }[];
  assert.deepEqual(
    sync.map(({ proxy }) => proxy),
    ["shop/web-1"],
  );
  assert.match((await page("/debug/config?proxy=shop/web-1")).body, /"timeout": "7s"/);
  assert.match((await page("/metrics")).body, /meshwright_ads_connections 1/);
  await waitFor(soon("a proxy that has all that it should"), async () =>
    (await page("/metrics")).body.includes('meshwright_ads_proxies{state="synced"} 1'),
  );
  const seen = await page(
    `/debug/generation?object=${encodeURIComponent("VirtualService shop/web")}`,
  );
  assert.deepEqual(JSON.parse(seen.body), { generation: 1 });
});

test("namespaces that are injected get the roots; others do not", async () => {
  await waitFor(soon("roots in shop"), async () => {
    const map = await kube.get(KINDS.configMap, { name: ROOT_CONFIG_MAP, namespace: "shop" });
    return map?.data?.["root-cert.pem"] === cacerts["root-cert.pem"];
  });
  const other = await kube.get(KINDS.configMap, { name: ROOT_CONFIG_MAP, namespace: "default" });
  assert.equal(other, undefined);
});

test("the token of a pod that is gone is refused", async (t) => {
  const pod = await makePod("gone");
  const stale = await token(pod);
  await kube.remove(KINDS.pod, { name: "gone", namespace: "shop" });
  await waitFor(soon("end of the pod"), async () => {
    await kube
      .request({
        doing: "end the pod",
        method: "DELETE",
        path: "/api/v1/namespaces/shop/pods/gone?gracePeriodSeconds=0",
      })
      .catch(() => undefined);
    return (await kube.get(KINDS.pod, { name: "gone", namespace: "shop" })) === undefined;
  });
  const tls = { rootsPem: cacerts["root-cert.pem"], serverName: SERVER_NAME };
  const client = new AdsClient({ port: ports.xds, tls, token: stale });
  t.after(() => client.close());
  client.subscribe("Cluster");
  const { code, details } = await client.ended;
  assert.equal(code, status.UNAUTHENTICATED);
  assert.match(details, /pod shop\/gone/);
  assert.deepEqual(client.answers, []);
});

test("without its API server it goes on serving, and catches up when that is back", async (t) => {
  const client = await connect("web-2");
  t.after(() => client.close());
  await waitFor(soon("cluster of the service"), () => client.held("Cluster").has(CLUSTER));
  client.subscribe("ClusterLoadAssignment", [ENDPOINTS]);
  await waitFor(soon("endpoints"), () => client.held("ClusterLoadAssignment").has(ENDPOINTS));
  const late = await token(await makePod("web-3"));
  await api.kill();
  await waitFor(soon("failing watches"), async () =>
    (await page("/debug/watches")).body.includes("EndpointSlice"),
  );
  // A proxy that was there before is served by what is known.
  const tls = { rootsPem: cacerts["root-cert.pem"], serverName: SERVER_NAME };
  const newcomer = new AdsClient({ port: ports.xds, tls, token: late });
  t.after(() => newcomer.close());
  newcomer.subscribe("Cluster");
  await waitFor(soon("cluster for a newcomer"), () => newcomer.held("Cluster").has(CLUSTER));
  assert.equal((await page("/readyz")).status, 200);

  await api.resume();
  await apply(endpointSlice("10.1.0.9"));
  await waitFor(soon("endpoint that came after", 40_000), () =>
    JSON.stringify(client.decoded("ClusterLoadAssignment", ENDPOINTS)).includes("10.1.0.9"),
  );
});

/** Who writes statuses, by the Lease. */
const leader = async (): Promise<string> => {
  const lease = await kube.get(KINDS.lease, { name: CONTROL_PLANE, namespace: CONFIG.namespace });
  return lease?.spec?.holderIdentity ?? "";
};

test("it ends in an orderly way", async () => {
  const client = await connect("web-1");
  await waitFor(soon("cluster of the service"), () => client.held("Cluster").has(CLUSTER));
  await waitFor(soon("holder of the Lease"), async () => (await leader()) !== "");
  running.abort();
  // While it still parts from its proxies, the next replica may lead already.
  await waitFor(soon("released Lease"), async () => (await leader()) === "");
  assert.equal((await page("/healthz")).status, 200);
  assert.equal((await client.ended).code, status.OK);
  client.close();
  await ended;
});
