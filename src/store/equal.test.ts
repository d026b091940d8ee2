import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { equal } from "./equal.ts";

test("plain data is equal when it is deeply equal", () => {
  const data = fc.jsonValue({ depthSize: "small" });
  fc.assert(
    fc.property(data, data, (a, b) => {
      assert.equal(equal(a, structuredClone(a)), true);
      assert.equal(equal(a, b), isDeepStrictEqual(a, b));
    }),
  );
});

for (const { name, a, b, want } of [
  { name: "undefined is absent", a: { x: 1, y: undefined }, b: { x: 1 }, want: true },
  { name: "absent is undefined", a: { x: 1 }, b: { x: 1, y: undefined }, want: true },
  { name: "null is not absent", a: { x: null }, b: {}, want: false },
  { name: "a field more", a: { x: 1 }, b: { x: 1, y: 2 }, want: false },
  { name: "an array is no object", a: [], b: {}, want: false },
  { name: "bytes", a: new Uint8Array([1, 2]), b: new Uint8Array([1, 2]), want: true },
  { name: "maps are compared by identity", a: new Map(), b: new Map(), want: false },
])
  test(name, () => assert.equal(equal(a, b), want));
