import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";
import { Provenance } from "./provenance.ts";

const WORLD = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.0.0.1
  ports: [{name: http, port: 80}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web, web.example.com]
  gateways: [mesh, front]
  http: [{route: [{destination: {host: web, subset: v1}}]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: other}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8081, name: http, protocol: HTTP}, hosts: ["*"]}]
`;

const model = modelOf(WORLD);
const mesh = model.mesh(model.engine);
const provenance = new Provenance(mesh);
const base = { namespace: "default", workload: "default/a", serviceAccount: "default" };
const sidecar = { ...base, kind: "sidecar", labels: {} } as const;
const gateway = { ...base, kind: "gateway", labels: { istio: "ingressgateway" } } as const;
const host = "web.default.svc.cluster.local";

test("a virtual host is made of its routes, not of what they lead to", () => {
  const name = `80/${host}:80`;
  assert.deepEqual(provenance.sourcesOf(sidecar, { type: "VirtualHost", name }), [
    "VirtualService default/web",
  ]);
});

test("a cluster is made of the rule for its host", () => {
  const name = `outbound|80|v1|${host}`;
  assert.deepEqual(provenance.sourcesOf(sidecar, { type: "Cluster", name }), [
    "DestinationRule default/web",
  ]);
});

test("a gateway's listener is made of the gateways with its port", () => {
  assert.deepEqual(provenance.sourcesOf(gateway, { type: "Listener", name: "0.0.0.0_8080" }), [
    "Gateway default/front",
  ]);
  const name = "http.8080/web.example.com:8080";
  assert.deepEqual(provenance.sourcesOf(gateway, { type: "VirtualHost", name }), [
    "VirtualService default/web",
  ]);
});

test("what no user wrote has no source", () => {
  for (const name of ["PassthroughCluster", "gone"])
    assert.deepEqual(provenance.sourcesOf(sidecar, { type: "Cluster", name }), []);
});

test("however many resources are asked about, it is listed once what there is", () => {
  let lists = 0;
  const hosts = (scope: string): readonly string[] => {
    lists += 1;
    return mesh.hosts(scope);
  };
  const counting = new Provenance({ ...mesh, hosts });
  const counts = ["v1", "v1", ""].map((subset) => {
    counting.sourcesOf(sidecar, { type: "Cluster", name: `outbound|80|${subset}|${host}` });
    return lists;
  });
  assert.ok(lists > 0);
  assert.deepEqual(counts, [lists, lists, lists]);
});
