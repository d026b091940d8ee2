/** What a namespace cannot see takes nothing from it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationOf } from "../testing/configuration.ts";
import { modelOf } from "../testing/fixtures.ts";

const routes = (host: string, namespace: string, rest = "", match = ""): string => `
kind: VirtualService
metadata: {name: routes, namespace: ${namespace}}
spec: {hosts: [${host}], ${rest} http: [{${match} route: [{destination: {host: ${host}}}]}]}
---`;

const entry = (host: string, namespace: string, rest = ""): string => `
kind: ServiceEntry
metadata: {name: outside, namespace: ${namespace}}
spec: {hosts: [${host}], ports: [{number: 80, name: http}], ${rest}}
---`;

const REVIEWS = `
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---`;

const meshOf = (...objects: readonly string[]) => {
  const { mesh, engine } = modelOf(objects.join("\n"));
  return mesh(engine);
};

const PRIVATE = "exportTo: [.],";
const API = "api.example.com";

test("a private ServiceEntry takes no host from another namespace's routes", () => {
  const mesh = meshOf(routes(API, "shop", PRIVATE), entry(API, "b", PRIVATE));
  assert.deepEqual(mesh.httpHosts("shop", 80), [API]);
  assert.deepEqual(mesh.httpPorts("shop"), [80]);
  assert.deepEqual(mesh.httpHosts("b", 80), [API]);
  assert.deepEqual(mesh.httpHosts("c", 80), []);
});

const TLS_ALONE = "ports: [{number: 443, name: tls}]";

for (const { title, rest, want } of [
  { title: "has its routes on the usual port", rest: TLS_ALONE, want: [API] },
  { title: "has what it says there", rest: "ports: [{number: 80, name: tcp}]", want: [] },
])
  test(`a host of which a ServiceEntry tells some ports ${title}`, () => {
    const spec = `{kind: ServiceEntry, metadata: {name: outside, namespace: b}, spec: {hosts: [${API}], ${rest}}}`;
    assert.deepEqual(meshOf(routes(API, "shop"), spec).httpHosts("shop", 80), want);
  });

test("a Kubernetes Service has no ports but its own", () => {
  const host = "reviews.shop.svc.cluster.local";
  const service = REVIEWS.replace("port: 80", "port: 9080");
  assert.deepEqual(meshOf(service, routes(host, "shop")).httpHosts("shop", 80), []);
});

test("where no rule is for the proxy a port that the host does not have leads nowhere", () => {
  const virtualHosts = (match: string): readonly string[] => {
    const tls = `{kind: ServiceEntry, metadata: {name: outside, namespace: b}, spec: {hosts: [${API}], ${TLS_ALONE}}}`;
    const { VirtualHost = {} } = configurationOf(meshOf(routes(API, "shop", "", match), tls), {
      kind: "sidecar",
      namespace: "shop",
      workload: "shop/web",
      serviceAccount: "web",
      labels: {},
    });
    return Object.keys(VirtualHost).sort();
  };
  assert.deepEqual(virtualHosts(""), ["80/*:80", "80/api.example.com:80"]);
  assert.deepEqual(virtualHosts("match: [{sourceLabels: {app: other}}],"), ["80/*:80"]);
});

const ALIAS = "reviews.shop";
const isAlias = (namespace: string, ...objects: readonly string[]): boolean =>
  meshOf(REVIEWS, ...objects)
    .domains("reviews.shop.svc.cluster.local", namespace, 80)
    .includes(ALIAS);

for (const [kind, objects] of [
  ["VirtualService", routes],
  ["ServiceEntry", entry],
] as const)
  test(`a private ${kind} takes no short name from another namespace`, () => {
    assert.ok(isAlias("a", objects(ALIAS, "b", PRIVATE)));
    assert.ok(!isAlias("b", objects(ALIAS, "b", PRIVATE)), "its own namespace sees it");
    assert.ok(!isAlias("a", objects(ALIAS, "b")), "all see it");
  });

test("a private ServiceEntry takes no address from another namespace's host", () => {
  const seen = { a: "b.example.com", b: "a.example.com" };
  const mesh = meshOf(
    entry(seen.b, "b", `${PRIVATE} addresses: [10.0.0.9]`),
    entry(seen.a, "c", "addresses: [10.0.0.9]"),
  );
  const owner = (namespace: string): readonly string[] =>
    Object.values(seen).filter((host) => mesh.domains(host, namespace, 80).includes("10.0.0.9"));
  assert.deepEqual([owner("a"), owner("b")], [[seen.a], [seen.b]]);
});
