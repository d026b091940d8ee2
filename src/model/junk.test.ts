/** Users' objects may hold anything: nothing throws, and no object harms another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import { damaged, USER_KINDS, WITNESS } from "../testing/junk.ts";
import { describe } from "./describe.ts";

const HOST = "witness.calm.svc.cluster.local";

test("an object that holds junk harms nobody but itself", () => {
  const want = modelOf(WITNESS);
  const before = want.mesh(want.engine);
  fc.assert(
    fc.property(fc.array(damaged(USER_KINDS), { minLength: 1, maxLength: 4 }), (objects) => {
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
