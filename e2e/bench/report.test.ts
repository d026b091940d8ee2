import assert from "node:assert/strict";
import { test } from "node:test";
import { median, percentile, table } from "./report.ts";

for (const { values, share, want } of [
  { values: [3], share: 0.5, want: 3 },
  { values: [3, 1, 2], share: 0.5, want: 2 },
  { values: [4, 3, 2, 1], share: 0.99, want: 4 },
  { values: [4, 3, 2, 1], share: 0, want: 1 },
])
  test(`the ${share * 100}th percentile of ${values.join(", ")}`, () =>
    assert.equal(percentile(values, share), want));

test("there is no median of nothing", () => assert.throws(() => median([]), RangeError));

test("a table is Markdown with columns of one width", () =>
  assert.equal(
    table(["what", "n"], [["a", "10"]]),
    ["| what | n  |", "|------|----|", "| a    | 10 |"].join("\n"),
  ));
