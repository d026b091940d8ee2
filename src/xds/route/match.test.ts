import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpMatch } from "../../model/ir/route.ts";
import type { RouteMatch } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { isCatchAll, routeMatch } from "./match.ts";

const CASES: readonly {
  readonly name: string;
  readonly match: Partial<HttpMatch>;
  readonly want: RouteMatch;
}[] = [
  { name: "exact", match: { path: { kind: "exact", path: "/a" } }, want: { path: "/a" } },
  {
    name: "prefix, whatever its case",
    match: { path: { kind: "prefix", path: "/a", ignoreCase: true } },
    want: { prefix: "/a", caseSensitive: false },
  },
  {
    name: "segments, without the slash that Envoy refuses",
    match: { path: { kind: "segments", path: "/a/" } },
    want: { pathSeparatedPrefix: "/a" },
  },
  {
    name: "segments of everything",
    match: { path: { kind: "segments", path: "/" } },
    want: { prefix: "/" },
  },
  {
    name: "regex",
    match: { path: { kind: "regex", pattern: "/v[12]" } },
    want: { safeRegex: { regex: "/v[12]" } },
  },
  {
    name: "headers that are there, have a value, or have not",
    match: {
      headers: [
        { name: "a", match: { kind: "present" } },
        { name: "b", match: { kind: "prefix", value: "x" } },
        { name: "c", match: { kind: "exact", value: "y" }, invert: true },
        { name: "d", match: { kind: "present" }, invert: true },
      ],
    },
    want: {
      prefix: "/",
      headers: [
        { name: "a", presentMatch: true },
        { name: "b", stringMatch: { prefix: "x" } },
        {
          name: "c",
          stringMatch: { exact: "y" },
          treatMissingHeaderAsEmpty: true,
          invertMatch: true,
        },
        { name: "d", presentMatch: true, invertMatch: true },
      ],
    },
  },
  {
    name: "query",
    match: {
      query: [
        { name: "q", match: { kind: "regex", value: "a+" } },
        { name: "r", match: { kind: "present" } },
      ],
    },
    want: {
      prefix: "/",
      queryParameters: [
        { name: "q", stringMatch: { safeRegex: { regex: "a+" } } },
        { name: "r", presentMatch: true },
      ],
    },
  },
];

const EVERYTHING: HttpMatch = { path: { kind: "prefix", path: "/" }, headers: [], query: [] };

for (const { name, match, want } of CASES)
  test(`match: ${name}`, () => {
    assert.deepEqual(routeMatch({ ...EVERYTHING, ...match }), want);
  });

test("only a match without any condition takes everything", () => {
  assert.ok(isCatchAll({ match: routeMatch(EVERYTHING) }));
  for (const { match, want } of CASES)
    assert.equal(
      isCatchAll({ match: want }),
      match.path?.kind === "segments" && want.prefix === "/",
    );
});
