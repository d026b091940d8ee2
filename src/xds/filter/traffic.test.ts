import assert from "node:assert/strict";
import { test } from "node:test";
import type { StringMatch } from "../../model/ir/route.ts";
import { routeFilters } from "./traffic.ts";

const origins = (match: StringMatch) =>
  routeFilters({
    cors: {
      origins: [match],
      methods: [],
      headers: [],
      exposeHeaders: [],
      forwardUnmatched: true,
    },
  }).typedPerFilterConfig?.["envoy.filters.http.cors"]?.["allowOriginStringMatch"];

test("any origin is an expression, as proxies refuse an empty prefix", () => {
  assert.deepEqual(origins({ kind: "present" }), [{ safeRegex: { regex: ".*" } }]);
  assert.deepEqual(origins({ kind: "prefix", value: "https://" }), [{ prefix: "https://" }]);
});
