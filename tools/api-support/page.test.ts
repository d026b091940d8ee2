import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { KINDS } from "../../src/api/kinds.ts";
import { createMeshModel } from "../../src/model/dataflow.ts";
import { SETTINGS } from "../../src/testing/fixtures.ts";
import { apiSupportPage } from "./page.ts";
import { apiFamilies, checkout } from "./reference.ts";
import type { Evidence } from "./row.ts";
import { ELSEWHERE, FAMILIES } from "./table.ts";
import { UNSERVED } from "./unserved.ts";

const families = apiFamilies();

describe("every row of the reference has one entry", () => {
  for (const [prefix, rows] of Object.entries(FAMILIES))
    test(prefix, () => {
      const fields = families.find((family) => family.prefix === prefix)?.fields ?? [];
      const ids = fields.map(({ id }) => id).filter((id) => !ELSEWHERE.has(id));
      assert.ok(ids.length > 0, "the reference has rows");
      assert.deepEqual(
        rows.map(({ id }) => id),
        ids,
      );
    });
});

describe("what works is seen where the entry says", () => {
  const rows = Object.values(FAMILIES).flat();
  for (const { id, state, evidence, reason } of rows)
    test(`${id}: ${state}`, () => {
      assert.equal(evidence.length > 0, state !== "not", "evidence is of what works");
      assert.equal(
        reason !== undefined && reason !== "",
        state !== "works",
        "the rest has reasons",
      );
      for (const one of evidence) assert.ok(isThere(one), `it is in ${JSON.stringify(one)}`);
    });
});

test("every kind of Istio's API has a table of the model, or is said not to be served", () => {
  const served = Object.values(KINDS).flatMap(({ group, kind, plural }) =>
    group.endsWith(".istio.io") && tables.has(plural) ? [kind] : [],
  );
  const told = [...served, ...UNSERVED.map(({ kind }) => kind)];
  assert.deepEqual(told.toSorted(), defined.toSorted());
});

test("the README names every kind that is not served", () => {
  const text = readFileSync(`${checkout}README.md`, "utf8");
  for (const { kind } of UNSERVED) assert.match(text, new RegExp(`\\b${kind}\\b`));
});

test("docs/api-support.md is what `make generate` writes", () =>
  assert.equal(readFileSync(`${checkout}docs/api-support.md`, "utf8"), apiSupportPage()));

/** Tables of objects, in the letters of the API. */
const tables = new Set(
  Object.keys(createMeshModel(SETTINGS).sinks).map((name) => name.toLowerCase()),
);

/** The kinds whose definitions the operator installs: the types of each are made from its own. */
const defined = globSync(`${checkout}src/api/gen/*.ts`).flatMap((file) => {
  const [, kind = ""] = /^export interface (\w+)Spec \{/m.exec(readFileSync(file, "utf8")) ?? [];
  return file.endsWith("/kubernetes.ts") || kind === "MeshConfig" ? [] : [kind];
});

const isThere = (evidence: Evidence): boolean =>
  "golden" in evidence
    ? sent(evidence.golden).includes(evidence.shows.replaceAll(/\s+/g, " "))
    : evidence.title !== "" &&
      readFileSync(checkout + evidence.test, "utf8").includes(evidence.title);

const stories = new Map<string, string>();

/** All that the proxies of a story are sent. */
function sent(story: string): string {
  const known = stories.get(story);
  if (known !== undefined) return known;
  const files = globSync(`${checkout}testdata/${story}/xds/*.yaml`);
  const text = files.map((file) => readFileSync(file, "utf8").replaceAll(/\s+/g, " ")).join("\n");
  stories.set(story, text);
  return text;
}
