/** Names that every JavaScript object inherits mean nothing when users write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";

const meshOf = (yaml: string) => {
  const { mesh, engine } = modelOf(yaml);
  return mesh(engine);
};

test("an endpoint of a ServiceEntry that names no port listens on the service's, whatever its name", () => {
  const mesh = meshOf(`
kind: ServiceEntry
metadata: {name: a}
spec:
  hosts: [a.example.com]
  resolution: STATIC
  ports: [{number: 80, name: constructor, protocol: TCP}]
  endpoints: [{address: 10.0.0.1}]`);
  const ports = mesh.endpoints("a.example.com", "default").map(({ port }) => port);
  assert.deepEqual(ports, [80]);
});

const selecting = (kind: string, rest: string): string => `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: tcp, port: 80, targetPort: constructor}]}
---
kind: ${kind}
metadata: {name: web, labels: {app: web, security.istio.io/tlsMode: istio}}
${rest}`;

test("a WorkloadEntry that does not name a Service's target port listens on the Service's", () => {
  const mesh = meshOf(
    selecting("WorkloadEntry", "spec: {address: 10.0.0.1, labels: {app: web}, ports: {}}"),
  );
  const endpoints = mesh.endpoints("web.default.svc.cluster.local", "default");
  assert.deepEqual(
    endpoints.map(({ port }) => port),
    [80],
  );
});

test("a pod has no port that it does not name", () => {
  const mesh = meshOf(
    selecting("Pod", "spec: {containers: []}\nstatus: {phase: Running, podIP: 10.0.0.1}"),
  );
  assert.deepEqual(mesh.workload("default/web")?.ports, []);
});

test("a preference, a resolution, a balancer and a proxy's metadata that are none are none", () => {
  const model = modelOf(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.1, trafficDistribution: constructor, ports: [{name: tcp, port: 80}]}
---
kind: ServiceEntry
metadata: {name: a}
spec: {hosts: [a.example.com], resolution: constructor, ports: [{number: 80, name: tcp}]}
---
kind: DestinationRule
metadata: {name: a}
spec: {host: web, trafficPolicy: {loadBalancer: {simple: constructor}}}
---
kind: EnvoyFilter
metadata: {name: a}
spec:
  configPatches:
    - {applyTo: CLUSTER, match: {proxy: {metadata: {constructor: a}}}, patch: {operation: MERGE, value: {}}}`);
  const mesh = model.mesh(model.engine);
  assert.equal(mesh.service("web.default.svc.cluster.local", "default")?.prefers, undefined);
  assert.deepEqual(
    model
      .diagnostics()
      .map(({ code, path }) => `${code} ${path}`)
      .sort(),
    [
      "MESH0117 spec.trafficPolicy.loadBalancer.simple",
      "MESH0132 spec.resolution",
      "MESH0141 spec.configPatches[0].match.proxy.metadata",
    ],
  );
});
