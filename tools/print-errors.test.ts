import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { errorsPage } from "./print-errors.ts";

test("docs/errors.md is what `make generate` writes", () =>
  assert.equal(
    readFileSync(resolve(import.meta.dirname, "../docs/errors.md"), "utf8"),
    errorsPage(),
  ));

test("the page has every code that the source has", () => {
  const src = resolve(import.meta.dirname, "../src");
  const files = globSync("**/*.ts", { cwd: src, exclude: ["**/*.test.ts"] });
  const codes = files.flatMap((file) =>
    [...readFileSync(join(src, file), "utf8").matchAll(/"(MESH\d{4})"/g)].map(
      ([, code = ""]) => code,
    ),
  );
  assert.ok(codes.length > 0);
  const page = errorsPage();
  const unknown = [...new Set(codes)].filter((code) => !page.includes(`\n## ${code}: `));
  assert.deepEqual(unknown.toSorted(), []);
});
