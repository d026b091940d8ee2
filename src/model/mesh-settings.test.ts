import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationOf } from "../testing/configuration.ts";
import { modelOf } from "../testing/fixtures.ts";
import type { ProxyView } from "../xds/view.ts";

const WORLD = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: one}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: open, namespace: one, annotations: {networking.istio.io/exportTo: "*"}}
spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: one}
spec: {hosts: [api.partner.example], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: open, namespace: one}
spec: {hosts: [open], http: [{route: [{destination: {host: web}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: open, namespace: one}
spec: {host: open, trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}}
`;

const view = (namespace: string): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload: `${namespace}/client`,
  serviceAccount: "default",
  labels: {},
});

test("objects that do not say to whom they are exported are exported as the mesh says", () => {
  const exportTo = { services: ["."], virtualServices: ["."], destinationRules: ["."] };
  const model = modelOf(WORLD, { traffic: { exportTo } });
  const mesh = model.mesh(model.engine);
  const all = ["api.partner.example", "open.one.svc.cluster.local", "web.one.svc.cluster.local"];
  assert.deepEqual(mesh.hosts("one"), all);
  assert.deepEqual(mesh.hosts("two"), ["open.one.svc.cluster.local"]);
  assert.equal(mesh.routesFor("open.one.svc.cluster.local", "one").length, 1);
  assert.equal(mesh.routesFor("open.one.svc.cluster.local", "two").length, 0);
  assert.ok(mesh.policy("open.one.svc.cluster.local", { namespace: "one", labels: {} }));
  assert.equal(
    mesh.policy("open.one.svc.cluster.local", { namespace: "two", labels: {} }),
    undefined,
  );
});

test("an upgrade for all is refused by a rule for one", () => {
  const model = modelOf(WORLD, { traffic: { connections: { upgrade: "http2" } } });
  const { Cluster = {} } = configurationOf(model.mesh(model.engine), view("one"));
  const speaksHttp2 = (host: string): boolean =>
    JSON.stringify(Cluster[`outbound|80||${host}.one.svc.cluster.local`]).includes(
      '"explicitHttpConfig":{"http2ProtocolOptions"',
    );
  assert.equal(speaksHttp2("web"), true);
  assert.equal(speaksHttp2("open"), false);
});

test("attempts are not counted where the mesh does not want it", () => {
  const counted = (traffic: object): boolean => {
    const model = modelOf(WORLD, { traffic });
    const seen = configurationOf(model.mesh(model.engine), view("one"));
    return JSON.stringify(seen.VirtualHost).includes("includeRequestAttemptCount");
  };
  assert.equal(counted({}), true);
  assert.equal(counted({ headers: { attemptCount: false } }), false);
});
