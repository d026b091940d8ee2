import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkout, images, nodeVersion, tag } from "./catalog.ts";
import { productionPackages } from "./context.ts";
import { localDelivery } from "./current.ts";
import { fingerprint } from "./fingerprint.ts";

test("every Dockerfile that needs Node asks for the version that the tests run on", () => {
  const asking = images
    .map(({ dockerfile }) => readFileSync(join(checkout, dockerfile), "utf8"))
    .flatMap((text) => text.match(/^ARG NODE_IMAGE=.*$/gm) ?? []);
  assert.ok(asking.length > 0);
  for (const line of asking) assert.equal(line, `ARG NODE_IMAGE=node:${nodeVersion}-bookworm-slim`);
});

test("a Dockerfile keeps to what every builder understands", () => {
  for (const { dockerfile } of images) {
    const text = readFileSync(join(checkout, dockerfile), "utf8");
    assert.doesNotMatch(text, /^# *syntax=|--mount=|<<|--chmod|--link/m, dockerfile);
  }
});

test("a tag has prefix, name and the version of the package", () => {
  const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
    version: string;
  };
  const [first] = images;
  assert.ok(first);
  assert.equal(tag(first, "registry.example/team"), `registry.example/team/meshwright:${version}`);
});

test("only what the running program may load goes into an image", () => {
  const lock = {
    packages: {
      "": {},
      "node_modules/yaml": {},
      "node_modules/a/node_modules/yaml": {},
      "node_modules/typescript": { dev: true },
      "node_modules/either": { devOptional: true },
    },
  };
  assert.deepEqual(productionPackages(JSON.stringify(lock)), [
    "node_modules/yaml",
    "node_modules/a/node_modules/yaml",
  ]);
});

for (const { context, want } of [
  { context: "kind-dev", want: ["kind", "load", "docker-image", "--name", "dev"] },
  { context: "k3d-a-b", want: ["k3d", "image", "import", "--cluster", "a-b"] },
  { context: "prod", want: undefined },
]) {
  test(`the context ${context} ${want ? "takes images directly" : "needs a registry"}`, () => {
    assert.deepEqual(localDelivery(context), want);
  });
}

test("a fingerprint changes with content and extras, and not with tests", () => {
  const root = mkdtempSync(join(tmpdir(), "fingerprint-"));
  try {
    mkdirSync(join(root, "src"));
    writeFileSync(join(root, "src/a.ts"), "1");
    const before = fingerprint(root, ["src"], ["24"]);
    writeFileSync(join(root, "src/a.test.ts"), "a test");
    assert.equal(fingerprint(root, ["src"], ["24"]), before);
    assert.notEqual(fingerprint(root, ["src"], ["25"]), before);
    writeFileSync(join(root, "src/a.ts"), "2");
    assert.notEqual(fingerprint(root, ["src"], ["24"]), before);
  } finally {
    rmSync(root, { recursive: true });
  }
});
