import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyObject } from "../testing/edits.ts";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import type { Mesh } from "./ir/mesh.ts";

/** The domains that several hosts of one port claim. */
function disputed(mesh: Mesh, scope: string, port: number): readonly string[] {
  const domains = mesh.httpHosts(scope, port).flatMap((host) => mesh.domains(host, scope, port));
  return domains.filter((domain, i) => domains.indexOf(domain) !== i);
}

test("no two hosts of one port share a domain, for a proxy would refuse them all", () => {
  fc.assert(
    fc.property(fc.array(anyObject, { maxLength: 25 }), (objects) => {
      const model = modelOf("");
      applyAll(model, objects);
      const mesh = model.mesh(model.engine);
      const labels = { app: "web", version: "v1" };
      const scopes = ["one", "two", "three"].flatMap((namespace) => [
        namespace,
        mesh.scope({ kind: "sidecar", namespace, labels }),
      ]);
      for (const scope of scopes)
        for (const port of mesh.httpPorts(scope))
          assert.deepEqual(disputed(mesh, scope, port), [], `${scope}, port ${port}`);
    }),
    { numRuns: 500 },
  );
});

test("where a port takes hosts that are no service's, the name of one that has routes is no alias", () => {
  const model = modelOf(`
apiVersion: v1
kind: Service
metadata: {name: web, namespace: one}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}, {name: http-admin, port: 3128}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: routes, namespace: one}
spec: {hosts: [web.one], http: [{directResponse: {status: 503}}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: one}
spec:
  egress:
    - {port: {number: 3128, protocol: HTTP_PROXY, name: proxy}, hosts: [./*]}
    - {port: {number: 8080, protocol: HTTP, name: http}, hosts: [./*]}
`);
  const mesh = model.mesh(model.engine);
  const host = "web.one.svc.cluster.local";
  const scope = mesh.scope({ kind: "sidecar", namespace: "one", labels: {} });
  const isAlias = (of: string, port: number): boolean =>
    mesh.domains(host, of, port).includes("web.one");
  assert.deepEqual(
    [isAlias(scope, 3128), isAlias(scope, 8080), isAlias("one", 3128), isAlias("one", 80)],
    [false, true, true, false],
  );
});

test("a headless service has the names of its pods in every form, the shortest in its own namespace", () => {
  const model = modelOf(`
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: taken, namespace: shop}
spec: {hosts: ["*.web.shop.svc"], ports: [{number: 80, name: http, protocol: HTTP}]}
`);
  const mesh = model.mesh(model.engine);
  const wildcards = (name: string, namespace: string): readonly string[] =>
    mesh
      .domains(`${name}.shop.svc.cluster.local`, namespace, 80)
      .filter((domain) => domain.startsWith("*"));
  const everywhere = ["*.web.shop.svc.cluster.local", "*.web.shop.svc.cluster.local."];
  assert.deepEqual(wildcards("web", "shop"), [...everywhere, "*.web", "*.web.shop"]);
  assert.deepEqual(wildcards("web", "bank"), [...everywhere, "*.web.shop"]);
  assert.deepEqual(wildcards("plain", "shop"), []);
});
