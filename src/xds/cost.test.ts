import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mesh } from "../model/ir/mesh.ts";
import { apply, modelOf } from "../testing/fixtures.ts";
import { encode } from "./encode.ts";
import type { ResourceType } from "./resource.ts";
import { createScopes } from "./scopes.ts";
import { translators } from "./translate.ts";
import type { ProxyView } from "./view.ts";

const TYPES = [
  "Cluster",
  "ClusterLoadAssignment",
  "Listener",
  "RouteConfiguration",
  "Secret",
] as const;

const service = (name: string): string => `
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}
---
`;
const pod = (name: string, account: string): string => `
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {security.istio.io/tlsMode: istio}}
spec: {serviceAccountName: ${account}}
---
`;
const slice = (name: string, pods: readonly string[]): string => `
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: shop, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [${pods
  .map(
    (of, i) =>
      `{addresses: [10.0.0.${i + 1}], conditions: {ready: true}, targetRef: {kind: Pod, name: ${of}, namespace: shop}}`,
  )
  .join(", ")}]
---
`;
const view = (namespace: string): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload: `${namespace}/client`,
  serviceAccount: "default",
  labels: {},
});

/** The mesh, and how often anything was asked of it. */
function counting(mesh: Mesh, onAsked: () => void): Mesh {
  return new Proxy(mesh, {
    get(target, name) {
      onAsked();
      return Reflect.get(target, name);
    },
  });
}

/**
 * Proxies in three namespaces, and how many resources of each type a change has encoded; with
 * `asked`, how many questions it took.
 */
function world(services: number) {
  const counts = new Map<ResourceType, number>();
  let asked = 0;
  const names = Array.from({ length: services }, (_, i) => `s${i}`);
  const pods = pod("a", "one") + pod("b", "one") + pod("c", "two");
  const model = modelOf(pods + names.map((name) => service(name) + slice(name, ["a"])).join(""));
  const scopes = createScopes({
    engine: model.engine,
    mesh: (cx) =>
      counting(model.mesh(cx), () => {
        asked += 1;
      }),
    translators,
    encode(type, translated) {
      counts.set(type, (counts.get(type) ?? 0) + 1);
      return encode(type, translated);
    },
    onFault: ({ error }) => assert.fail(String(error)),
  });
  const all = ["shop", "one", "two"].map((namespace) => scopes.acquire(view(namespace)).scope);
  const refresh = (): void => {
    for (const scope of all) for (const type of [...TYPES, "VirtualHost" as const]) scope.of(type);
  };
  refresh();
  return (yaml: string) => {
    counts.clear();
    asked = 0;
    apply(model, yaml);
    refresh();
    return { encoded: Object.fromEntries(counts), asked };
  };
}

test("an endpoint that comes costs no cluster, unless it has an identity of its own", () => {
  const change = world(20);
  assert.deepEqual(change(slice("s3", ["a", "b"])).encoded, { ClusterLoadAssignment: 1 });
  assert.deepEqual(change(slice("s3", ["a", "b", "c"])).encoded, {
    Cluster: 1,
    ClusterLoadAssignment: 1,
  });
});

test("what a service costs does not depend on how many there are", () => {
  const [few, many] = [world(5), world(50)];
  const added = few(service("other") + slice("other", ["a"]));
  assert.deepEqual(added.encoded, { Cluster: 1, ClusterLoadAssignment: 1, VirtualHost: 3 });
  assert.deepEqual(many(service("other") + slice("other", ["a"])), added);
});

test("a namespace with a policy of its own for a host shares all but what is made of that", () => {
  const change = world(20);
  const rule = `
kind: DestinationRule
metadata: {name: s3, namespace: one}
spec: {host: s3.shop.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}
`;
  const { Cluster: clusters, ClusterLoadAssignment: endpoints } = change(rule).encoded;
  assert.deepEqual([clusters, endpoints], [1, 1]);
  assert.deepEqual(change(slice("s3", ["a", "b"])).encoded, { ClusterLoadAssignment: 2 });
});
