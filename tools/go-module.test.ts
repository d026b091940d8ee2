import assert from "node:assert/strict";
import { test } from "node:test";
import { ISTIO_API, moduleDirectory } from "./go-module.ts";

test("without Go, it is said that Go is needed, and where it is had", () => {
  assert.throws(() => moduleDirectory(ISTIO_API, { PATH: "" }), /Go 1\.25 .* go\.dev\/dl/);
});
