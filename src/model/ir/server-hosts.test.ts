import assert from "node:assert/strict";
import { test } from "node:test";
import { narrower } from "./server-hosts.ts";

const CASES: readonly (readonly [string, string, string | undefined])[] = [
  ["a.example.com", "a.example.com", "a.example.com"],
  ["a.example.com", "b.example.com", undefined],
  ["*", "a.example.com", "a.example.com"],
  ["*", "*", "*"],
  ["*.example.com", "a.example.com", "a.example.com"],
  ["*.example.com", "*.shop.example.com", "*.shop.example.com"],
  ["*.example.com", "example.com", undefined],
  ["*.example.com", "*.example.org", undefined],
  ["*.example.com", "notexample.com", undefined],
];

for (const [a, b, both] of CASES)
  test(`${a} and ${b} are both ${both ?? "nowhere"}`, () => {
    assert.equal(narrower(a, b), both);
    assert.equal(narrower(b, a), both);
  });
