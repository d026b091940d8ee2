import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMeshModel, type MeshModel } from "../../model/dataflow.ts";
import { configurationOf, translatedFor } from "../../testing/configuration.ts";
import { apply, applyAll, modelOf, objects, SETTINGS } from "../../testing/fixtures.ts";
import { encode } from "../encode.ts";
import { createScopes } from "../scopes.ts";
import { translators } from "../translate.ts";
import type { Translated } from "../translator.ts";
import type { ProxyView } from "../view.ts";

const WORLD = `
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {clusterIP: 10.96.1.2, ports: [{name: http, port: 80}]}
`;

const filter = (name: string, created: string, more: string): string => `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${created}T00:00:00Z"}
spec: {${more}}
`;

const lua = (name: string, match = "", context = "SIDECAR_OUTBOUND"): string =>
  `{applyTo: HTTP_FILTER, match: {context: ${context}${match}}, patch: {operation: INSERT_FIRST, value: {name: ${name}}}}`;

const VIEW: ProxyView = {
  kind: "sidecar",
  namespace: "shop",
  workload: "shop/web-1",
  serviceAccount: "web",
  labels: { app: "web" },
};

const LISTENER = "0.0.0.0_80";

function httpFilters(model: MeshModel, listener = LISTENER): readonly string[] {
  const { Listener } = configurationOf(model.mesh(model.engine), VIEW);
  return [...JSON.stringify(Listener?.[listener]).matchAll(/"name":"((?:one|two|three)\b)/g)].map(
    ([, name = ""]) => name,
  );
}

const resource = (model: MeshModel): Translated | undefined =>
  translatedFor(model.mesh(model.engine), VIEW).find(({ name }) => name === LISTENER);

test("filters apply by priority, then by age, in whatever order they arrive", () => {
  const all = objects(
    [
      WORLD,
      filter("c", "3", `configPatches: [${lua("three")}]`),
      filter("b", "2", `configPatches: [${lua("two")}]`),
      filter("a", "1", `priority: 5, configPatches: [${lua("one")}]`),
    ].join("---"),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray([...all], { minLength: all.length }), (shuffled) => {
      const model = createMeshModel(SETTINGS);
      for (const object of shuffled) applyAll(model, [object]);
      // Each goes first, so the last one applied is the first of the list.
      assert.deepEqual(httpFilters(model), ["one", "three", "two"]);
    }),
  );
});

test("what a Sidecar opens for what comes in is patched as such", () => {
  const model = modelOf(
    [
      WORLD.replace("spec: {", "spec: {selector: {app: web}, "),
      "{kind: Pod, metadata: {name: web-1, namespace: shop, labels: {app: web}}, status: {podIP: 10.0.0.5}}",
      `{kind: Sidecar, metadata: {name: a, namespace: shop}, spec: {ingress: [
        {port: {number: 80, protocol: HTTP, name: http}, bind: 10.0.0.5, captureMode: NONE}]}}`,
      filter("a", "1", `configPatches: [${lua("one", "", "SIDECAR_INBOUND")}, ${lua("two")}]`),
      filter(
        "b",
        "2",
        `configPatches: [${lua("three", ", listener: {portName: http}", "SIDECAR_INBOUND")}]`,
      ),
    ].join("\n---\n"),
  );
  assert.deepEqual([...new Set(httpFilters(model, "10.0.0.5_80"))], ["three", "one"]);
  assert.deepEqual([...new Set(httpFilters(model))], ["two"]);
});

test("what a proxy refuses is made again without the patch that is to blame, and with the others", () => {
  const model = modelOf(
    [
      WORLD,
      filter("a", "1", `configPatches: [${lua("one")}, ${lua("two")}, ${lua("three")}]`),
    ].join("---"),
  );
  const refuses = (name: string): void => {
    // As Envoy does: until nothing that it refuses is sent.
    for (let i = 0; i < 10 && httpFilters(model).includes(name); i += 1) {
      const sent = resource(model);
      assert.ok(sent);
      model.sinks.refusedVersions.upsert(encode("Listener", sent));
    }
  };
  refuses("two");
  assert.deepEqual(httpFilters(model), ["three", "one"]);
  assert.deepEqual(
    resource(model)?.patches?.omitted.map(({ path }) => path),
    ["spec.configPatches[1]"],
  );

  apply(model, filter("a", "1", `configPatches: [${lua("two", ", listener: {name: nowhere}")}]`));
  assert.equal(resource(model)?.patches, undefined, "a filter that was corrected is clean");
});

test("a resource that is refused without patches, too, is not the patches' fault", () => {
  const model = modelOf(WORLD);
  const plain = resource(model);
  assert.ok(plain);
  model.sinks.refusedVersions.upsert(encode("Listener", plain));
  apply(model, filter("a", "1", `configPatches: [${lua("one")}]`));
  const whole = resource(model);
  assert.ok(whole);
  model.sinks.refusedVersions.upsert(encode("Listener", whole));
  assert.deepEqual(httpFilters(model), ["one"]);
});

test("a filter costs what it selects: others' resources stay the very same", () => {
  const model = modelOf(WORLD);
  const made: string[] = [];
  const scopes = createScopes({
    engine: model.engine,
    mesh: model.mesh,
    translators,
    encode: (type, translated) => {
      made.push(translated.name);
      return encode(type, translated);
    },
    onFault: ({ error }) => assert.fail(String(error)),
  });
  const other = { ...VIEW, workload: "shop/other-1", labels: { app: "other", x: "y" } };
  const third = { ...other, workload: "shop/other-2", labels: { app: "other", x: "z" } };
  const seen = [VIEW, other, third].map((view) => scopes.acquire(view).scope);
  const listeners = () => seen.map((scope) => scope.of("Listener").resources.get(LISTENER));
  const clusters = () => seen.map((scope) => scope.of("Cluster").resources.size);
  const before = listeners();
  clusters();
  made.length = 0;
  apply(
    model,
    filter("a", "1", `workloadSelector: {labels: {app: web}}, configPatches: [${lua("one")}]`),
  );
  const after = listeners();
  clusters();
  assert.notEqual(after[0]?.version, before[0]?.version);
  assert.equal(after[1], before[1]);
  assert.equal(after[2], before[2]);
  assert.ok(made.includes(LISTENER));
  assert.deepEqual(
    made.filter((name) => name.includes("|")),
    [],
    "no cluster was made again",
  );
});
