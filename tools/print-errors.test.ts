import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { errorsPage } from "./print-errors.ts";

test("docs/errors.md is what `make generate` writes", () =>
  assert.equal(
    readFileSync(resolve(import.meta.dirname, "../docs/errors.md"), "utf8"),
    errorsPage(),
  ));
