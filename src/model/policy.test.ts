import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationOf } from "../testing/configuration.ts";
import { modelOf, SETTINGS } from "../testing/fixtures.ts";

const HOST = "api.shop.svc.cluster.local";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
`;

const rule = (namespace: string, name: string, spec: object): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${JSON.stringify(spec)}
`;

/** The rule that clients of a namespace follow. */
function ruleFor(namespace: string, ...rules: readonly string[]): string | undefined {
  const model = modelOf([SERVICE, ...rules].join("---"));
  return model.mesh(model.engine).policy(HOST, { namespace, labels: {} })?.source;
}

test("for clients in the root namespace what is for the whole mesh comes last, too", () => {
  const { rootNamespace: root } = SETTINGS;
  const everywhere = rule(root, "mesh", { host: "*", trafficPolicy: { outlierDetection: {} } });
  const own = rule("shop", "api", { host: "api", subsets: [{ name: "v1" }] });
  const toRoot = { host: HOST, exportTo: ["."] };
  assert.equal(ruleFor("office", everywhere, own), "DestinationRule shop/api");
  assert.equal(ruleFor(root, everywhere, own), "DestinationRule shop/api");
  assert.equal(ruleFor(root, everywhere), "DestinationRule mesh-system/mesh");
  assert.equal(
    ruleFor(root, everywhere, own, rule(root, "private", toRoot)),
    "DestinationRule mesh-system/private",
  );
});

test("a subset whose name cannot be part of a cluster's is told and left out", () => {
  const names = ["", "a|b", "V1", "v1-", "a".repeat(64), "v1"];
  const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: shop}
spec: {hosts: [api], http: [{route: [{destination: {host: api, subset: ""}}]}]}
`;
  const own = rule("shop", "api", { host: "api", subsets: names.map((name) => ({ name })) });
  const model = modelOf([SERVICE, own, routes].join("---"));
  const mesh = model.mesh(model.engine);
  assert.deepEqual(mesh.subsets(HOST, "shop"), ["v1"]);
  assert.deepEqual(
    model.diagnostics().map(({ code, path }) => `${code} ${path}`),
    [0, 1, 2, 3, 4].map((i) => `MESH0122 spec.subsets[${i}].name`),
  );
  assert.deepEqual(model.engine.get(model.findings, "VirtualService shop/api"), []);
  const client = { kind: "sidecar", namespace: "shop", serviceAccount: "web" } as const;
  const { Cluster = {} } = configurationOf(mesh, { ...client, workload: "shop/web", labels: {} });
  assert.deepEqual(
    Object.keys(Cluster).filter((name) => name.endsWith(HOST)),
    [`outbound|80|v1|${HOST}`, `outbound|80||${HOST}`],
  );
});
