import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, parseDuration } from "./duration.ts";

for (const { text, want } of [
  { text: "2s", want: 2_000 },
  { text: "0.5s", want: 500 },
  { text: "500ms", want: 500 },
  { text: "1m30s", want: 90_000 },
  { text: "1h", want: 3_600_000 },
  { text: "0s", want: 0 },
  { text: "250us", want: 0.25 },
  { text: "", want: undefined },
  { text: "2", want: undefined },
  { text: "-2s", want: undefined },
  { text: "2 s", want: undefined },
  { text: "2s!", want: undefined },
  { text: "x2s", want: undefined },
])
  test(`"${text}" is ${want} ms`, () => assert.equal(parseDuration(text), want));

test("milliseconds become what Envoy writes", () => {
  assert.equal(duration(1500), "1.5s");
  assert.equal(duration(undefined), undefined);
});
