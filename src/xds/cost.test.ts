import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf } from "../testing/fixtures.ts";
import { encode } from "./encode.ts";
import type { ResourceType } from "./resource.ts";
import { createScopes } from "./scopes.ts";
import { translators } from "./translate.ts";
import type { ProxyView } from "./view.ts";

const TYPES = ["Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"] as const;

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

/** Proxies in three namespaces, and how many resources of each type a change has encoded. */
function world(services: number) {
  const counts = new Map<ResourceType, number>();
  const names = Array.from({ length: services }, (_, i) => `s${i}`);
  const pods = pod("a", "one") + pod("b", "one") + pod("c", "two");
  const model = modelOf(pods + names.map((name) => service(name) + slice(name, ["a"])).join(""));
  const scopes = createScopes({
    engine: model.engine,
    mesh: model.mesh,
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
  return (yaml: string): Readonly<Record<string, number>> => {
    counts.clear();
    apply(model, yaml);
    refresh();
    return Object.fromEntries(counts);
  };
}

test("an endpoint that comes costs no cluster, unless it has an identity of its own", () => {
  const encoded = world(20);
  assert.deepEqual(encoded(slice("s3", ["a", "b"])), { ClusterLoadAssignment: 1 });
  assert.deepEqual(encoded(slice("s3", ["a", "b", "c"])), { Cluster: 1, ClusterLoadAssignment: 1 });
});

test("what a service costs does not depend on how many there are", () => {
  const [few, many] = [world(5), world(50)];
  const added = few(service("other") + slice("other", ["a"]));
  // Its virtual host, and that of unknown hosts, which is looked at again.
  assert.deepEqual(added, { Cluster: 1, ClusterLoadAssignment: 1, VirtualHost: 6 });
  assert.deepEqual(many(service("other") + slice("other", ["a"])), added);
});

test("a namespace with a policy of its own for a host shares all but what is made of that", () => {
  const encoded = world(20);
  const rule = `
kind: DestinationRule
metadata: {name: s3, namespace: one}
spec: {host: s3.shop.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}
`;
  const { Cluster: clusters, ClusterLoadAssignment: endpoints } = encoded(rule);
  assert.deepEqual([clusters, endpoints], [1, 1]);
  assert.deepEqual(encoded(slice("s3", ["a", "b"])), { ClusterLoadAssignment: 2 });
});
