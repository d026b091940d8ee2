/** Values of a newer API than ours: told where they stand, and never taken for something weaker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";
import type { MeshModel } from "./dataflow.ts";

const told = (model: MeshModel): readonly string[] =>
  model.diagnostics().map(({ code, path }) => `${code} ${path}`);

const meshOf = ({ engine, mesh }: MeshModel) => mesh(engine);

test("a mode of TLS that is not known leaves a destination to the default, not to plaintext", () => {
  const model = modelOf(
    `{kind: DestinationRule, metadata: {name: a}, spec: {host: a.example.com, trafficPolicy: {tls: {mode: NEWER}}}}`,
  );
  assert.deepEqual(told(model), ["MESH0117 spec.trafficPolicy.tls.mode"]);
  const policy = meshOf(model).policy("a.example.com", { namespace: "default", labels: {} });
  assert.equal(policy?.policy?.tls, undefined);
});

test("a server with a mode of TLS that is not known stays closed, and the others are opened", () => {
  const server = (name: string, mode: string): string =>
    `{port: {number: 443, name: ${name}, protocol: HTTPS}, hosts: [${name}.com], tls: {mode: ${mode}, credentialName: c}}`;
  const model = modelOf(
    `{kind: Gateway, metadata: {name: a}, spec: {selector: {istio: e}, servers: [${server("a", "NEWER")}, ${server("b", "SIMPLE")}]}}`,
  );
  assert.deepEqual(told(model), ["MESH0116 spec.servers[0].tls.mode"]);
  const [gateway] = meshOf(model).gateways({ istio: "e" });
  assert.deepEqual(
    gateway?.servers.map(({ name }) => name),
    ["b"],
  );
});

test("a patch for a context that is not known is for no proxy", () => {
  const patch = (context: string): string =>
    `{applyTo: CLUSTER, match: {context: ${context}}, patch: {operation: MERGE, value: {connect_timeout: 1s}}}`;
  const model = modelOf(
    `{kind: EnvoyFilter, metadata: {name: a}, spec: {configPatches: [${patch("NEWER")}, ${patch("GATEWAY")}]}}`,
  );
  assert.deepEqual(told(model), ["MESH0141 spec.configPatches[0].match.context"]);
  assert.equal(meshOf(model).envoyFilter("default/a")?.patches.length, 1);
});

test("a Sidecar whose mode for unknown hosts is not known reaches none", () => {
  const model = modelOf(
    `{kind: Sidecar, metadata: {name: a}, spec: {outboundTrafficPolicy: {mode: NEWER}}}`,
  );
  assert.deepEqual(told(model), ["MESH0117 spec.outboundTrafficPolicy.mode"]);
  const unknown = meshOf(model).unknownTraffic({
    kind: "sidecar",
    namespace: "default",
    labels: {},
  });
  assert.equal(unknown.kind, "block");
});

for (const { kind, spec, paths } of [
  {
    kind: "ServiceEntry",
    spec: `{hosts: [a.example.com], resolution: NEWER}`,
    paths: ["MESH0132 spec.resolution"],
  },
  {
    kind: "ServiceEntry",
    spec: `{hosts: [a.example.com], resolution: DNS, ports: [{number: 80, name: a, protocol: NEWER}]}`,
    paths: ["MESH0111 spec.ports[0].protocol"],
  },
  {
    kind: "DestinationRule",
    spec: `{host: a.example.com, trafficPolicy: {loadBalancer: {simple: NEWER}}}`,
    paths: ["MESH0117 spec.trafficPolicy.loadBalancer.simple"],
  },
  {
    kind: "EnvoyFilter",
    spec: `{configPatches: [{applyTo: NEWER, patch: {operation: MERGE, value: {}}}, {applyTo: CLUSTER, patch: {operation: NEWER, value: {}}}]}`,
    paths: [
      "MESH0140 spec.configPatches[0].applyTo",
      "MESH0140 spec.configPatches[1].patch.operation",
    ],
  },
])
  test(`it is told where it stands: ${paths.join(", ")}`, () => {
    assert.deepEqual(told(modelOf(`{kind: ${kind}, metadata: {name: a}, spec: ${spec}}`)), paths);
  });
