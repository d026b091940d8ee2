import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { golden } from "../testing/golden.ts";
import { type BootstrapOptions, bootstrap, sdsFiles } from "./bootstrap.ts";

golden(join(import.meta.dirname, "testdata/bootstrap"), (options: BootstrapOptions) =>
  bootstrap(options),
);

test("the files of a proxy's directory point at each other", () => {
  const files = sdsFiles("/somewhere");
  assert.deepEqual(Object.keys(files), ["root-sds.json", "token-sds.json"]);
  assert.match(files["root-sds.json"] ?? "", /"filename":"\/somewhere\/root-cert\.pem"/);
  assert.match(files["token-sds.json"] ?? "", /"filename":"\/somewhere\/token"/);
});
