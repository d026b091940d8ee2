import assert from "node:assert/strict";
import { test } from "node:test";
import { quantityBytes } from "./quantity.ts";

for (const { text, want } of [
  { text: "1073741824", want: 2 ** 30 },
  { text: "1Gi", want: 2 ** 30 },
  { text: "512Mi", want: 2 ** 29 },
  { text: "1.5Gi", want: 1.5 * 2 ** 30 },
  { text: "129e6", want: 129_000_000 },
  { text: "129M", want: 129_000_000 },
  { text: "128974848000m", want: 128_974_848 },
  { text: ".5k", want: 500 },
  { text: "", want: undefined },
  { text: "lots", want: undefined },
  { text: "1 Gi", want: undefined },
  { text: "1GiB", want: undefined },
])
  test(`"${text}" is ${want} bytes`, () => {
    assert.equal(quantityBytes(text), want);
  });
