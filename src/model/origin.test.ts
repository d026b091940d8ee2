import assert from "node:assert/strict";
import { test } from "node:test";
import { originOf } from "./origin.ts";

const object = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } };
const exportsOf = (...to: readonly unknown[]) => originOf(object, to as string[]).exportTo;

test("what is exported to nobody in particular is for all", () => {
  assert.deepEqual(
    [exportsOf(), exportsOf("."), exportsOf("~"), exportsOf("a", "*")],
    [["*"], ["shop"], [], ["*"]],
  );
});

test("what is no name of a namespace exports to nobody", () => {
  assert.deepEqual(exportsOf({ toString: 0 }), []);
  assert.deepEqual(exportsOf(7, "desk", null), ["desk"]);
});
