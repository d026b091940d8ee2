import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mesh } from "../model/ir/mesh.ts";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { EncodedResource, ResourceSet } from "./resource.ts";
import { createScopes, type TranslationFault } from "./scopes.ts";
import type { Translator } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** Rows that read of the view what rows do: nothing, the namespace, the workload, labels at times. */
function rows(runs: string[]): readonly Translator[] {
  const row = (
    name: string,
    {
      keys,
      body,
    }: {
      keys: (mesh: Mesh, view: ProxyView) => readonly string[];
      body: (mesh: Mesh, view: ProxyView, key: string) => object | undefined;
    },
  ): Translator => ({
    type: "Cluster",
    keys,
    resource(mesh, view, key) {
      const made = body(mesh, view, key);
      runs.push(`${name}:${key}`);
      return made && { name: `${name}/${key}`, body: made, clusters: [] };
    },
  });
  return [
    row("outbound", {
      keys: (mesh, view) => (view.kind === "sidecar" ? mesh.hosts(view.namespace) : []),
      body: (mesh, view, host) => {
        if (host.startsWith("faulty.")) throw new RangeError("no such thing");
        const [routes] = mesh.routesFor(host, view.namespace);
        const selective = routes?.rules.some((r) => r.matches.some((m) => m.sourceLabels));
        return {
          service: mesh.service(host, view.namespace),
          routes,
          labels: selective ? view.labels : {},
        };
      },
    }),
    row("endpoints", {
      keys: (mesh, view) => mesh.hosts(view.namespace),
      body: (mesh, _view, host) => ({ endpoints: mesh.endpoints(host, "default") }),
    }),
    row("inbound", {
      keys: (mesh, view) =>
        mesh.workload(view.workload)?.ports.map(({ port }) => String(port)) ?? [],
      body: (mesh, view, port) =>
        mesh.workload(view.workload)?.ports.find((p) => String(p.port) === port),
    }),
  ];
}

const encode = (
  _type: string,
  { name, body, clusters }: { name: string; body: object; clusters: readonly string[] },
): EncodedResource => {
  const text = JSON.stringify(body);
  return { name, version: text, bytes: new TextEncoder().encode(text), clusters };
};

const service = (name: string, namespace = "default"): string => `
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}
---
`;
const pod = (name: string, app: string): string => `
kind: Pod
metadata: {name: ${name}, labels: {app: ${app}, security.istio.io/tlsMode: istio}}
---
`;
const routes = (name: string, match: string): string => `
kind: VirtualService
metadata: {name: ${name}}
spec: {hosts: [${name}], http: [{match: [${match}], route: [{destination: {host: ${name}}}]}]}
---
`;
const view = (workload: string, namespace = "default"): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload,
  serviceAccount: "default",
  labels: { app: workload.split("/")[1] ?? "" },
});

function world(yaml: string) {
  const runs: string[] = [];
  const faults: TranslationFault[] = [];
  const model = modelOf(yaml);
  const scopes = createScopes({
    engine: model.engine,
    mesh: model.mesh,
    translators: rows(runs),
    encode,
    onFault: (fault) => faults.push(fault),
  });
  const clusters = (v: ProxyView): (() => ResourceSet) => {
    const { scope } = scopes.acquire(v);
    return () => scope.of("Cluster");
  };
  return { runs, faults, model, scopes, clusters };
}

const names = (set: ResourceSet): readonly string[] => [...set.resources.keys()].sort();

test("proxies of a namespace share what is made for the namespace", () => {
  const { runs, clusters } = world(service("a") + service("b") + pod("a", "a") + pod("b", "b"));
  clusters(view("default/a"))();
  const count = runs.length;
  const second = clusters(view("default/b"))();
  assert.deepEqual(runs.slice(count), ["inbound:80"]);
  assert.equal(second.resources.size, 5);
});

test("what reads nothing of the view is made once for all", () => {
  const { runs, clusters } = world(service("a"));
  clusters(view("default/a"))();
  clusters(view("other/a", "other"))();
  assert.equal(runs.filter((run) => run.startsWith("endpoints")).length, 1);
  assert.equal(runs.filter((run) => run.startsWith("outbound")).length, 2);
});

test("a change costs the resources that read it, and proxies hear of no others", () => {
  const { model, runs, clusters } = world(service("a") + service("b") + service("c"));
  const current = clusters(view("default/a"));
  const before = current();
  assert.equal(current(), before, "the same set while nothing changes");
  runs.length = 0;
  apply(model, routes("b", "{uri: {prefix: /b}}"));
  const after = current();
  assert.deepEqual(runs, ["outbound:b.default.svc.cluster.local"]);
  assert.deepEqual(
    [...(after.changedSince(before.generation) ?? [])],
    ["outbound/b.default.svc.cluster.local"],
  );
  assert.notEqual(
    before.resources.get("outbound/b.default.svc.cluster.local")?.version,
    after.resources.get("outbound/b.default.svc.cluster.local")?.version,
    "a set that was given out stays what it was",
  );
});

test("a change that makes no difference is none", () => {
  const { model, clusters } = world(service("a"));
  const current = clusters(view("default/a"));
  const before = current();
  apply(model, routes("elsewhere", "{uri: {prefix: /}}"));
  remove(model, routes("elsewhere", "{uri: {prefix: /}}"));
  assert.equal(current(), before);
});

test("services come and go", () => {
  const { model, clusters } = world(service("a"));
  const current = clusters(view("default/a"));
  const before = current();
  apply(model, service("b"));
  const both = current();
  assert.deepEqual(names(both).length, 4);
  remove(model, service("a"));
  const after = current();
  assert.deepEqual(names(after), [
    "endpoints/b.default.svc.cluster.local",
    "outbound/b.default.svc.cluster.local",
  ]);
  assert.deepEqual([...(after.changedSince(before.generation) ?? [])].sort(), [
    "endpoints/a.default.svc.cluster.local",
    "endpoints/b.default.svc.cluster.local",
    "outbound/a.default.svc.cluster.local",
    "outbound/b.default.svc.cluster.local",
  ]);
});

test("a resource that comes to depend on more of the view is made for whom it differs", () => {
  const { model, clusters } = world(service("a") + service("b"));
  const [one, two] = [clusters(view("default/x")), clusters(view("default/y"))];
  const before = one();
  two();
  apply(model, routes("a", "{sourceLabels: {app: x}}"));
  const name = "outbound/a.default.svc.cluster.local";
  assert.match(one().resources.get(name)?.version ?? "", /"labels":\{"app":"x"\}/);
  assert.match(two().resources.get(name)?.version ?? "", /"labels":\{"app":"y"\}/);
  assert.equal(one().resources.size, 4);
  assert.deepEqual([...(one().changedSince(before.generation) ?? [])], [name]);
  const selective = one();
  remove(model, routes("a", ""));
  assert.match(one().resources.get(name)?.version ?? "", /"labels":\{\}/);
  assert.deepEqual([...(one().changedSince(selective.generation) ?? [])], [name]);
  assert.equal(one().resources.size, 4);
});

test("a translation that throws is reported, and the proxies keep what they have", () => {
  const { model, faults, clusters } = world(service("a"));
  const current = clusters(view("default/a"));
  current();
  apply(model, service("faulty") + routes("a", "{uri: {prefix: /x}}"));
  assert.ok(current().resources.has("endpoints/faulty.default.svc.cluster.local"));
  assert.deepEqual(
    faults.map(({ type, key }) => ({ type, key })),
    [{ type: "Cluster", key: "faulty.default.svc.cluster.local" }],
  );
});

test("when its last proxy has gone a scope leaves nothing behind", () => {
  const { model, runs, scopes } = world(service("a"));
  const [first, second] = [scopes.acquire(view("default/a")), scopes.acquire(view("default/a"))];
  assert.equal(first.scope, second.scope);
  first.scope.of("Cluster");
  first.release();
  first.release();
  runs.length = 0;
  apply(model, routes("a", "{uri: {prefix: /x}}"));
  second.scope.of("Cluster");
  assert.equal(runs.length, 1);
  second.release();
  apply(model, service("b"));
  runs.length = 0;
  scopes.acquire(view("default/a")).scope.of("Cluster");
  assert.equal(runs.length, 4, "everything is made anew");
});
