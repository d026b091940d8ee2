import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { apiSupportPage } from "./page.ts";
import { apiFamilies, checkout } from "./reference.ts";
import type { Evidence } from "./row.ts";
import { ELSEWHERE, FAMILIES } from "./table.ts";

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

test("docs/api-support.md is what `make generate` writes", () =>
  assert.equal(readFileSync(`${checkout}docs/api-support.md`, "utf8"), apiSupportPage()));

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
