import assert from "node:assert/strict";
import { test } from "node:test";
import { onceWithin } from "./rounds.ts";

test("a round that a stall spoiled is made up for by the next", async () => {
  const times = [1_400, 80, 90];
  assert.deepEqual(await onceWithin(1_000, async () => times.shift() ?? 0), [1_400, 80]);
});

test("what is too slow in every round is told, with all of them", async () => {
  await assert.rejects(
    onceWithin(1_000, async () => 1_001),
    /it took 1001, 1001, 1001, 1001, 1001 ms; 1000 ms/,
  );
});
