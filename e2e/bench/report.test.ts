import assert from "node:assert/strict";
import { test } from "node:test";
import { goalTable, median, percentile, seconds, table, verdict } from "./report.ts";

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

const goal = (measured: number) => ({ what: "a start", measured, most: 2, show: seconds });

for (const { measured, want } of [
  { measured: 1.5, want: "goal 2.00 s: met" },
  { measured: 2, want: "goal 2.00 s: met" },
  { measured: 2.5, want: "goal 2.00 s: MISSED by 25 %" },
])
  test(`${measured} s where 2 s are wanted`, () => assert.equal(verdict(goal(measured)), want));

test("every goal stands beside what was measured", () =>
  assert.equal(
    goalTable([goal(2.5)]),
    [
      "| figure  | measured | goal                        |",
      "|---------|----------|-----------------------------|",
      "| a start | 2.50 s   | goal 2.00 s: MISSED by 25 % |",
    ].join("\n"),
  ));
