import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";
import { identity, plan } from "./plan.ts";
import { STAGES, type Stage } from "./render.ts";

interface Thing extends KubeObject {
  readonly data: number;
}

const thing = fc
  .record({ name: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"), data: fc.nat(3) })
  .map(
    ({ name, data }): Thing => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "mesh" },
      data,
    }),
  );
const things = fc.uniqueArray(thing, { selector: identity, maxLength: 8 });
const stages = things.map((objects): Stage[] =>
  STAGES.map((name, i) => ({
    name,
    objects: objects.filter((_, j) => j % STAGES.length === i),
  })),
);

const same = (live: KubeObject, wanted: KubeObject): boolean =>
  (live as Thing).data === (wanted as Thing).data;

const world = (objects: readonly KubeObject[]): Map<string, KubeObject> =>
  new Map(objects.map((object) => [identity(object), object]));

test("a plan that is performed leaves nothing to do but to wait", () => {
  fc.assert(
    fc.property(stages, things, (wanted, observed) => {
      const live = world(observed);
      for (const step of plan(wanted, live, same)) {
        if (step.kind === "apply") live.set(identity(step.object), step.object);
        if (step.kind === "delete") live.delete(identity(step.object));
      }
      const left = plan(wanted, live, same);
      assert.deepEqual(
        left.map(({ kind }) => kind),
        STAGES.map(() => "wait"),
      );
      assert.equal(live.size, wanted.flatMap(({ objects }) => objects).length);
    }),
  );
});

test("nothing is deleted before everything that is wanted was waited for", () => {
  fc.assert(
    fc.property(stages, things, (wanted, observed) => {
      const kinds = plan(wanted, world(observed), same).map(({ kind }) => kind);
      const firstDelete = kinds.indexOf("delete");
      assert.ok(firstDelete === -1 || firstDelete > kinds.lastIndexOf("wait"));
    }),
  );
});
