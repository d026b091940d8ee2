import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NumberMap, NumberSet } from "./names.ts";

const number = fc.nat(40_000);

test("a set of numbers is a set, and knows whether it holds another", () => {
  const edit = fc.record({ number, isIn: fc.boolean() });
  fc.assert(
    fc.property(fc.array(edit), fc.array(number), (edits, others) => {
      const [set, model, other] = [new NumberSet(), new Set<number>(), new NumberSet()];
      for (const { number: one, isIn } of edits) {
        if (isIn) set.add(one);
        else set.delete(one);
        if (isIn) model.add(one);
        else model.delete(one);
      }
      for (const one of others) other.add(one);
      assert.equal(set.size, model.size);
      for (const { number: one } of edits) assert.equal(set.has(one), model.has(one));
      assert.equal(set.holdsAllOf(other), new Set(others).isSubsetOf(model));
      assert.ok(set.holdsAllOf(set));
    }),
  );
});

test("a map of numbers is a map", () => {
  const edit = fc.record({ key: number, value: fc.option(number, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(edit), (edits) => {
      const [map, model] = [new NumberMap(), new Map<number, number | undefined>()];
      for (const { key, value } of edits) {
        map.set(key, value);
        model.set(key, value);
      }
      for (const [key, value] of model) assert.equal(map.get(key), value);
      const values = new Set(model.values());
      for (const { value } of edits)
        if (value !== undefined) assert.equal(map.includes(value), values.has(value));
    }),
  );
});
