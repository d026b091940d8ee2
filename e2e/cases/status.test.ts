import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { type Condition, conditionOf } from "../../src/api/conditions.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { expose, ingressClient, openMesh, ownNamespace } from "../harness/case.ts";
import { failure } from "../harness/http.ts";
import { fetchFromClient } from "../harness/in-pod.ts";
import { startLoad } from "../harness/load.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";

const NETWORKING = "/apis/networking.istio.io/v1";
const HTTPBIN_URL = "http://httpbin:8000/get";

const virtualService = (name: string, http: object): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name },
  spec: { hosts: [name], http: [http] },
});

const toHttpbin = [{ destination: { host: "httpbin" } }];

test("the status of an object says what is wrong with it, and nothing else suffers", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-status" });
  await deploy(cluster, namespace, [CLIENT, HTTPBIN]);

  const says = (name: string, type: string, want: string): Promise<Condition> =>
    waitFor(
      { description: `VirtualService ${name} with ${type}=${want}`, deadlineMs: 30_000 },
      async () => {
        const path = `${NETWORKING}/namespaces/${namespace}/virtualservices/${name}`;
        const object =
          await cluster.api.get<KubeObject<unknown, { conditions?: readonly Condition[] }>>(path);
        const found = conditionOf(object?.status?.conditions, type);
        const seen = `${found?.status} ${found?.reason}`;
        const isNew = found?.observedGeneration === object?.metadata.generation;
        if (found === undefined || !isNew || seen !== want) throw new Error(seen);
        return found;
      },
    );
  const apply = (...objects: readonly object[]): Promise<void> =>
    cluster.kubectl.applyText(objects.map((one) => stringify(one)).join("---\n"), namespace);

  await apply(
    virtualService("httpbin", { timeout: "5s", route: toHttpbin }),
    virtualService("lost", { route: [{ destination: { host: "nowhere" } }] }),
    virtualService("bad", { match: [{ uri: { regex: "(unclosed" } }], route: toHttpbin }),
  );
  for (const type of ["Accepted", "ResolvedRefs", "Programmed"])
    await says("httpbin", type, `True ${type}`);
  const lost = await says("lost", "ResolvedRefs", "False DestinationNotFound");
  assert.match(lost.message, /spec\.http\[0\]\.route\[0\]\.destination\.host: .*nowhere/);
  const bad = await says("bad", "Accepted", "False Invalid");
  assert.match(bad.message, /spec\.http\[0\]\.match\[0\]\.uri\.regex: .*RE2/);
  assert.equal((await fetchFromClient(cluster, namespace, { url: HTTPBIN_URL })).status, 200);

  await apply(virtualService("bad", { route: toHttpbin }));
  await says("bad", "Accepted", "True Accepted");
  await apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "nowhere" },
    spec: { ports: [{ name: "http", port: 80 }] },
  });
  await says("lost", "ResolvedRefs", "True ResolvedRefs");
});

/** Just below what the API server and etcd take. */
const HUGE_BYTES = 900_000;

/** As many routes as fit; the last of them answers what no other wants. */
function hugeRoutes(): object[] {
  const route = (i: number): object => ({
    name: `route-${i}`,
    match: [{ uri: { exact: `/nobody/asks/for/${i}` }, headers: { "x-user": { exact: `${i}` } } }],
    timeout: "5s",
    route: toHttpbin,
  });
  const size = JSON.stringify(route(1_000)).length + 1;
  return [
    ...Array.from({ length: Math.floor(HUGE_BYTES / size) }, (_, i) => route(i)),
    { match: [{ uri: { exact: "/headers" } }], route: toHttpbin },
  ];
}

test("a gateway's port that is taken and a VirtualService of 900 kB cost the rest nothing", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-status-gateway" });
  await deploy(cluster, namespace, [HTTPBIN]);
  await expose(cluster, namespace, { host: "httpbin", port: 8000 });
  const ingress = await ingressClient(t, cluster, namespace);
  await waitFor({ description: "answer through the ingress", deadlineMs: 30_000 }, async () => {
    return (await ingress.get("/get")).status === 200;
  });
  const load = startLoad({ client: ingress, request: { path: "/get" }, pauseMs: 10 });
  t.after(() => load.stop().then(() => undefined));

  type Described = KubeObject<unknown, { conditions?: readonly Condition[] }>;
  const conditionWith = (path: string, type: string, reason: string): Promise<Condition> =>
    waitFor({ description: `${path} with ${type} ${reason}`, deadlineMs: 30_000 }, async () => {
      const object = await cluster.api.get<Described>(
        `${NETWORKING}/namespaces/${namespace}/${path}`,
      );
      const found = conditionOf(object?.status?.conditions, type);
      if (found?.reason !== reason) throw new Error(`${found?.reason} ${found?.message}`);
      return found;
    });

  const late = {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "late" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "tcp", protocol: "TCP" }, hosts: ["*"] }],
    },
  };
  await cluster.kubectl.applyText(JSON.stringify(late), namespace);
  const taken = await conditionWith("gateways/late", "Accepted", "Invalid");
  assert.match(taken.message, /spec\.servers.* port 80 .*MESH0115/);

  const host = `huge.${namespace}.test`;
  const huge = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "huge" },
    spec: { hosts: [host], gateways: ["exposed-huge"], http: hugeRoutes() },
  };
  const gateway = {
    ...late,
    metadata: { name: "exposed-huge" },
    spec: {
      ...late.spec,
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [host] }],
    },
  };
  const all = [gateway, huge].map((one) => JSON.stringify(one)).join("\n---\n");
  await cluster.kubectl.applyText(all, namespace);
  await waitFor(
    { description: "answer by the last route of the huge VirtualService", deadlineMs: 60_000 },
    async () => (await ingress.get("/headers", { host })).status === 200,
  );
  await conditionWith("virtualservices/huge", "Programmed", "Programmed");
  assert.equal((await ingress.get("/other", { host })).status, 404);

  const records = await load.stop();
  assert.ok(records.length > 0, "no request was sent");
  assert.deepEqual(
    records.flatMap((record) => failure(record) ?? []),
    [],
  );
});
