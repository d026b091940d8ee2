import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationOf } from "../../testing/configuration.ts";
import { modelOf } from "../../testing/fixtures.ts";

const OTHER = "spiffe://cluster.local/ns/data/sa/db";

/** Whom a client takes for a ServiceEntry's server, by mutual TLS of the mesh. */
function trusted(entry: object, endpoint: object, tls: object): unknown {
  const spec = JSON.stringify({
    hosts: ["db.example.com"],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: 5432, name: "tcp", protocol: "TCP" }],
    endpoints: [{ address: "10.9.0.1", ...endpoint }],
    ...entry,
  });
  const trafficPolicy = { tls: { mode: "ISTIO_MUTUAL", ...tls } };
  const rule = JSON.stringify({ host: "db.example.com", trafficPolicy });
  const model = modelOf(
    [
      `{kind: ServiceEntry, metadata: {name: db, namespace: shop}, spec: ${spec}}`,
      `{kind: DestinationRule, metadata: {name: db, namespace: shop}, spec: ${rule}}`,
    ].join("\n---\n"),
  );
  const { Cluster = {} } = configurationOf(model.mesh(model.engine), {
    kind: "sidecar",
    namespace: "shop",
    workload: "shop/web",
    serviceAccount: "web",
    labels: {},
  });
  const cluster = JSON.stringify(Cluster["outbound|5432||db.example.com"]);
  const [, names = ""] = /"matchTypedSubjectAltNames":(\[.*?\])/.exec(cluster) ?? [];
  return [...names.matchAll(/"matcher":(\{.*?\})/g)].map(([, one = ""]): unknown =>
    JSON.parse(one),
  );
}

test("a server whose identity nobody knows is of the entry's namespace, unless names are given", () => {
  assert.deepEqual(trusted({}, {}, {}), [{ prefix: "spiffe://cluster.local/ns/shop/" }]);
  assert.deepEqual(trusted({}, { serviceAccount: "db" }, {}), [
    { exact: "spiffe://cluster.local/ns/shop/sa/db" },
  ]);
  assert.deepEqual(trusted({}, {}, { subjectAltNames: [OTHER] }), [{ exact: OTHER }]);
  assert.deepEqual(trusted({ subjectAltNames: [OTHER] }, {}, {}), [{ exact: OTHER }]);
});

test("whom an entry names is trusted besides the accounts of its endpoints", () => {
  assert.deepEqual(trusted({ subjectAltNames: [OTHER] }, { serviceAccount: "db" }, {}), [
    { exact: OTHER },
    { exact: "spiffe://cluster.local/ns/shop/sa/db" },
  ]);
});
