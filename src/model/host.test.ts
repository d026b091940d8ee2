import assert from "node:assert/strict";
import { test } from "node:test";
import { fullHost, isHost, patternsFor } from "./host.ts";

for (const { text, want } of [
  { text: "reviews", want: "reviews.shop.svc.cluster.local" },
  { text: "Reviews", want: "reviews.shop.svc.cluster.local" },
  { text: "reviews.other", want: "reviews.other" },
  { text: "www.example.com", want: "www.example.com" },
  { text: "*", want: "*" },
  { text: "*.example.com", want: "*.example.com" },
])
  test(`${text} in namespace shop is ${want}`, () =>
    assert.equal(fullHost(text, "shop", "cluster.local"), want));

for (const { host, want } of [
  { host: "a", want: true },
  { host: "a-b.c_d.example", want: true },
  { host: "*.example.com", want: true },
  { host: "*", want: true },
  { host: "10.0.0.1", want: true },
  { host: "fd00::1", want: true },
  { host: "", want: false },
  { host: "a b", want: false },
  { host: "a..b", want: false },
  { host: "*example.com", want: false },
  { host: "a.*.b", want: false },
  { host: "-a.b", want: false },
  { host: "a:80", want: false },
  { host: "é.example", want: false },
  { host: `${"a".repeat(64)}.b`, want: false },
  { host: "a.".repeat(150), want: false },
])
  test(`"${host.slice(0, 40)}" ${want ? "is" : "is no"} host`, () =>
    assert.equal(isHost(host), want));

test("patterns cover a host, most specific first", () => {
  assert.deepEqual(patternsFor("a.b.c"), ["a.b.c", "*.b.c", "*.c", "*"]);
  assert.deepEqual(patternsFor("*.b.c"), ["*.b.c", "*.c", "*"]);
  assert.deepEqual(patternsFor("a"), ["a", "*"]);
  assert.deepEqual(patternsFor("*"), ["*"]);
});
