import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Definition {
  readonly spec: {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

const ROOT = join(import.meta.dirname, "../..");

function fields(schema: Schema, path: string): readonly (readonly [path: string, Schema])[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    [`${path}.${name}`, field] as const,
    ...fields(field, `${path}.${name}`),
  ]);
  return schema.items ? [...own, ...fields(schema.items, `${path}[]`)] : own;
}

test("`kubectl explain` says of every field of a MeshConfig's spec what it means", () => {
  const text = readFileSync(join(ROOT, "crds/mesh/meshconfigs.yaml"), "utf8");
  const { spec } = parse(text) as Definition;
  const all = spec.versions.flatMap(({ schema }) =>
    fields(schema.openAPIV3Schema.properties?.["spec"] ?? {}, "spec"),
  );
  assert.ok(all.length > 100, `only ${all.length} fields were found`);
  const silent = all.filter(([, { description = "" }]) => description === "");
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  );
});
