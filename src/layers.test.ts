import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";

/** Who may import whom. A directory of src/ that is not named here fails the test. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  util: [],
  proto: ["util"],
  api: ["util"],
  store: ["util"],
  model: ["util", "api", "store", "proto/reflect"],
  xds: ["util", "api", "proto", "store", "model/ir"],
  install: ["util", "api", "xds", "inject/pod"],
  kube: ["util", "api", "store"],
  ca: ["util", "api"],
  ads: ["util", "api", "proto", "xds"],
  dns: ["util", "api", "store"],
  inject: ["util", "api", "xds"],
  feedback: ["util", "api", "store", "kube"],
  cli: ["util", "api", "kube", "ads", "feedback"],
  operator: ["util", "api", "store", "ca", "kube", "install"],
  testing: ["util", "api", "store", "proto", "model", "xds"],
};

const src = import.meta.dirname;
const IMPORT = /^(?:import|export)\b[^"]*"(\.[^"]+)"/gm;

const importsOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, to = ""]) =>
    relative(src, join(dirname(file), to)),
  );

const layer = (path: string): string => path.split(sep)[0] ?? "";

test("every import points down the layers", () => {
  const files = globSync("*/**/*.ts", {
    cwd: src,
    exclude: ["main/**", "proto/gen/**", "**/*.test.ts"],
  });
  assert.ok(files.length > 0, "no sources found: this test would pass by checking nothing");
  const upward = files.flatMap((file) =>
    importsOf(join(src, file))
      .filter((to) => layer(to) !== layer(file))
      .filter((to) => !LAYERS[layer(file)]?.some((ok) => to.startsWith(`${ok}/`)))
      .map((to) => `${file} imports ${to}`),
  );
  assert.deepEqual(upward, []);
});
