import assert from "node:assert/strict";
import { test } from "node:test";
import { lesserQuantity, quantityBytes } from "./quantity.ts";

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

for (const { quantity, most, want } of [
  { quantity: "1", most: "10m", want: "10m" },
  { quantity: "9m", most: "10m", want: "9m" },
  { quantity: "0", most: "10m", want: "0" },
  { quantity: "16Mi", most: "32Mi", want: "16Mi" },
  { quantity: "lots", most: "32Mi", want: "32Mi" },
])
  test(`of "${quantity}" and "${most}" the lesser is "${want}"`, () => {
    assert.equal(lesserQuantity(quantity, most), want);
  });
