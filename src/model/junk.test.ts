/** Users' objects may hold anything: nothing throws, and no object harms another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";
import { anyObject } from "../testing/edits.ts";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import { describe } from "./describe.ts";

const WITNESS = `
kind: Service
metadata: {name: witness, namespace: calm}
spec: {clusterIP: 10.0.0.9, ports: [{name: http, port: 8080}]}
---
kind: VirtualService
metadata: {name: witness, namespace: calm}
spec: {hosts: [witness], http: [{route: [{destination: {host: witness}}]}]}
`;
const HOST = "witness.calm.svc.cluster.local";

/** Replaces one value somewhere in an object's spec by something of another kind. */
function damage(object: KubeObject, path: readonly number[], junk: unknown): KubeObject {
  const copy = structuredClone(object);
  let at: unknown = copy.spec;
  for (const step of path) {
    if (typeof at !== "object" || at === null) break;
    const keys = Object.keys(at);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) break;
    const next: unknown = Reflect.get(at, key);
    if (typeof next !== "object" || next === null || step % 5 === 0) {
      Reflect.set(at, key, junk);
      break;
    }
    at = next;
  }
  return copy;
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, -1, 2 ** 53, Number.MAX_VALUE, 0.5, true, "", [], {}, [null]),
  fc.constantFrom<unknown>("\u0000", "\ud800", "a\nb", "%", "*", "..", "(", "x".repeat(70_000)),
  fc.string({ unit: "binary" }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Kinds that no code of Kubernetes itself checks. */
const USER_KINDS = ["VirtualService", "DestinationRule", "Gateway", "Sidecar"];

test("an object that holds junk harms nobody but itself", () => {
  const damaged = fc
    .tuple(
      anyObject.filter(({ kind }) => USER_KINDS.includes(kind)),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 8 }),
      junk,
    )
    .map(([object, path, value]) => damage(object, path, value));
  const want = modelOf(WITNESS);
  const before = want.mesh(want.engine);
  fc.assert(
    fc.property(fc.array(damaged, { minLength: 1, maxLength: 4 }), (objects) => {
      const model = modelOf(WITNESS);
      applyAll(model, objects);
      const mesh = model.mesh(model.engine);
      describe(mesh, { kind: "sidecar", namespace: "calm", labels: {} });
      assert.deepEqual(mesh.service(HOST, "calm"), before.service(HOST, "calm"));
      assert.deepEqual(mesh.domains(HOST, "calm", 8080), before.domains(HOST, "calm", 8080));
      for (const { message, object } of model.diagnostics()) {
        assert.notEqual(object, "");
        assert.ok(message.length < 1000, `a message of ${message.length} characters`);
      }
    }),
    { numRuns: 500 },
  );
});
