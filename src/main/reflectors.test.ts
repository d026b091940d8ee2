import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../api/object.ts";
import { Cache, partOf } from "./reflectors.ts";

const object = (namespace: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace, name },
});

test("two watches of one kind feed one whole: a list of one leaves the other's alone", () => {
  const whole = new Cache<KubeObject, string>(({ metadata }) => metadata.name);
  const [left, right] = [partOf(whole), partOf(whole)];
  left.replace([object("a", "one"), object("a", "two")]);
  right.replace([object("b", "three")]);
  left.replace([object("a", "two")]);
  right.remove("a/two");
  assert.deepEqual([...whole.values.keys()].sort(), ["a/two", "b/three"]);
  left.remove("a/two");
  right.replace([]);
  assert.equal(whole.values.size, 0);
});
