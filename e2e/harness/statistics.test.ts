import assert from "node:assert/strict";
import { test } from "node:test";
import { agrees, percentile, tally } from "./statistics.ts";

for (const { observed, total, share, want } of [
  { observed: 0, total: 100, share: 0, want: true },
  { observed: 1, total: 100, share: 0, want: false },
  { observed: 100, total: 100, share: 1, want: true },
  { observed: 99, total: 100, share: 1, want: false },
  { observed: 942, total: 1000, share: 0.9, want: true },
  { observed: 943, total: 1000, share: 0.9, want: false },
]) {
  test(`${observed} of ${total} ${want ? "agrees" : "disagrees"} with a share of ${share}`, () => {
    assert.equal(agrees(observed, total, share), want);
  });
}

test("a tally counts, the most frequent first", () => {
  assert.deepEqual(
    [...tally(["v1", "v2", "v2"])],
    [
      ["v2", 2],
      ["v1", 1],
    ],
  );
});

test("a percentile is one of the values", () => {
  assert.equal(percentile([3, 1, 2, 4], 0.5), 2);
  assert.equal(percentile([3, 1, 2, 4], 0.99), 4);
});
