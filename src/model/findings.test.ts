import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { MeshModel } from "./dataflow.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.0.0.1
  ports: [{name: http, port: 80}]
`;

const rule = (subsets: readonly string[]): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: ${JSON.stringify(subsets.map((name) => ({ name, labels: { version: name } })))}
`;

const routes = (destination: object, name = "web"): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, creationTimestamp: "2026-01-0${name.length % 9}T00:00:00Z"}
spec:
  hosts: [web]
  http: [{route: [{destination: ${JSON.stringify(destination)}}]}]
`;

const told = (model: MeshModel, object = "VirtualService default/web"): readonly string[] =>
  model.engine.get(model.findings, object).map(({ code, path }) => `${code} ${path}`);

test("a destination must be there, with its port and its subset", () => {
  const model = modelOf(routes({ host: "web", subset: "v1", port: { number: 81 } }));
  const at = "spec.http[0].route[0].destination";
  assert.deepEqual(told(model), [`MESH0104 ${at}.host`]);
  apply(model, SERVICE);
  assert.deepEqual(told(model), [`MESH0104 ${at}.port.number`, `MESH0105 ${at}.subset`]);
  apply(model, rule(["v1"]));
  apply(model, routes({ host: "web", subset: "v1", port: { number: 80 } }));
  assert.deepEqual(told(model), []);
  apply(model, rule(["v2"]));
  const [missing] = model.engine.get(model.findings, "VirtualService default/web");
  assert.match(missing?.message ?? "", /subset "v1" of web\.default.*use one of v2/);
  remove(model, SERVICE);
  assert.deepEqual(told(model), [`MESH0104 ${at}.host`]);
});

test("a rule for a host that nobody has says so until somebody has it", () => {
  const model = modelOf(rule(["v1"]));
  assert.deepEqual(told(model, "DestinationRule default/web"), ["MESH0104 spec.host"]);
  apply(model, SERVICE);
  assert.deepEqual(told(model, "DestinationRule default/web"), []);
});

test("of two VirtualServices for one host the younger is told that the older has it", () => {
  const model = modelOf(`${SERVICE}---${routes({ host: "web" })}`);
  apply(model, routes({ host: "web" }, "younger"));
  assert.deepEqual(told(model), []);
  const [rival] = model.engine.get(model.findings, "VirtualService default/younger");
  assert.equal(rival?.code, "MESH0113");
  assert.match(rival?.message ?? "", /^VirtualService default\/web has the HTTP rules/);
});

const rival = (name: string, rules: string, day: number): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec: {hosts: ["*.wikipedia.org"], ${rules}}
`;

test("a rival whose HTTP rules are all left to others is told, too", () => {
  const leaves = (to: string): string => `http: [{delegate: {name: ${to}}}]`;
  const model = modelOf(rival("old", leaves("a"), 1) + rival("young", leaves("b"), 2));
  assert.deepEqual(told(model, "VirtualService default/old"), ["MESH0118 spec.http[0].delegate"]);
  assert.deepEqual(told(model, "VirtualService default/young"), [
    "MESH0118 spec.http[0].delegate",
    "MESH0113 spec.hosts[0]",
  ]);
});

test("rules for connections have no rivals, as those of all objects are used", () => {
  const names = (sni: string): string =>
    `tls: [{match: [{sniHosts: [${sni}.wikipedia.org]}], route: [{destination: {host: ${sni}.example.com}}]}]`;
  const model = modelOf(rival("old", names("en"), 1) + rival("young", names("de"), 2));
  const object = "VirtualService default/young";
  assert.deepEqual(told(model, object), ["MESH0104 spec.tls[0].route[0].destination.host"]);
  const { engine, mesh } = model;
  const sources = mesh(engine).streamRoutesFor("fr.wikipedia.org", "default");
  assert.deepEqual(
    sources.map(({ name }) => name),
    ["old", "young"],
  );
});

const gateway = (name: string, protocol: string, day: number): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: main, protocol: ${protocol}}, hosts: ["*"]}]
`;

const GATEWAY_POD = `
kind: Pod
metadata: {name: edge-1, labels: {istio: ingressgateway, meshwright.dev/proxy: gateway}}
`;

test("a gateway that is named must be there", () => {
  const model = modelOf(`${SERVICE}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example.com]
  gateways: [mesh, other/front]
  http: [{route: [{destination: {host: web}}]}]
`);
  assert.deepEqual(told(model), ["MESH0106 spec.gateways[1]"]);
});

test("two gateways may share a port for one protocol and one only", () => {
  const model = modelOf(GATEWAY_POD);
  apply(model, `${gateway("old", "HTTP", 1)}---${gateway("new", "HTTP", 2)}`);
  assert.deepEqual(told(model, "Gateway default/new"), []);
  assert.deepEqual(told(model, "Gateway default/old"), []);
  apply(model, gateway("new", "TCP", 2));
  assert.deepEqual(told(model, "Gateway default/new"), ["MESH0115 spec.servers"]);
  assert.deepEqual(told(model, "Gateway default/old"), [], "the older one has the port");
});

test("of two gateways that end TLS for one host on one port the younger is told", () => {
  const secure = (name: string, host: string, day: number): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 443, name: main, protocol: HTTPS}, hosts: [${host}], tls: {mode: SIMPLE, serverCertificate: /c, privateKey: /k}}
`;
  const model = modelOf(GATEWAY_POD);
  apply(model, `${secure("old", "a.example.com", 1)}---${secure("new", "a.example.com", 2)}`);
  const [lost] = model.engine.get(model.findings, "Gateway default/new");
  assert.match(
    `${lost?.code} ${lost?.message}`,
    /^MESH0115 Gateway default\/old is older and has a\.example\.com at port 443/,
  );
  assert.deepEqual(told(model, "Gateway default/old"), []);
  apply(model, secure("new", "b.example.com", 2));
  assert.deepEqual(told(model, "Gateway default/new"), []);
});

test("of two namespaces that have a host the younger is told, unless it keeps it to itself", () => {
  const entry = (namespace: string, day: number, exportTo: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: x, namespace: ${namespace}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec: {hosts: [x.example.com], exportTo: ["${exportTo}"], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
`;
  const model = modelOf(`${entry("one", 1, "*")}---${entry("two", 2, "*")}`);
  assert.deepEqual(told(model, "ServiceEntry one/x"), []);
  assert.deepEqual(told(model, "ServiceEntry two/x"), ["MESH0133 spec.hosts"]);
  apply(model, entry("two", 2, "."));
  assert.deepEqual(told(model, "ServiceEntry two/x"), []);
  assert.equal(model.mesh(model.engine).service("x.example.com", "two")?.namespace, "two");
  assert.equal(model.mesh(model.engine).service("x.example.com", "three")?.namespace, "one");
});

const delegating = (name: string, to: string, exportTo = "*"): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: ${name}}
spec:
  exportTo: ["${exportTo}"]
  http: [{delegate: {name: ${to}, namespace: ${to}}}]
`;

test("a delegate must be there, visible, and do the routing itself", () => {
  const root = "VirtualService root/root";
  const model = modelOf(delegating("root", "other"));
  assert.deepEqual(told(model, root), ["MESH0118 spec.http[0].delegate"]);
  apply(model, delegating("other", "root"));
  const [circle] = model.engine.get(model.findings, root);
  assert.match(circle?.message ?? "", /leaves rules to others itself/);
  const filled = (exportTo: string) =>
    delegating("other", "x", exportTo).replace(
      /\{delegate.*\}\}/,
      "{directResponse: {status: 200}}",
    );
  apply(model, filled("*"));
  assert.deepEqual(told(model, root), []);
  apply(model, filled("."));
  assert.deepEqual(told(model, root), ["MESH0118 spec.http[0].delegate"]);
});
