import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Condition, NewCondition } from "../api/conditions.ts";
import type { Diagnostic } from "../api/diagnostic.ts";
import { conditionsOf, isRewording, transition } from "./conditions.ts";
import { bySource, changedSources, type Refusal } from "./rejections.ts";

const diagnostic = (code: `MESH${number}`, level: Diagnostic["level"]): Diagnostic => ({
  code,
  level,
  object: "VirtualService shop/web",
  path: "spec.http[0]",
  message: "is wrong: correct it",
});

const shown = (conditions: readonly NewCondition[]): readonly string[] =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

const T1 = new Date("2026-01-01T00:00:00Z");
const T2 = new Date("2026-01-02T00:00:00Z");

const GOOD = conditionsOf({ generation: 3, diagnostics: [] });

describe("what conditions say", () => {
  const cases = [
    {
      title: "nothing is wrong",
      diagnostics: [],
      want: ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs"],
    },
    {
      title: "a warning is no refusal",
      diagnostics: [diagnostic("MESH0114", "warning")],
      want: ["Accepted=True AcceptedWithWarnings", "ResolvedRefs=True ResolvedRefs"],
    },
    {
      title: "an error is",
      diagnostics: [diagnostic("MESH0114", "warning"), diagnostic("MESH0102", "error")],
      want: ["Accepted=False Invalid", "ResolvedRefs=True ResolvedRefs"],
    },
    {
      title: "what is named and is not there does not make the object invalid",
      diagnostics: [diagnostic("MESH0105", "warning"), diagnostic("MESH0104", "warning")],
      want: ["Accepted=True Accepted", "ResolvedRefs=False SubsetNotFound"],
    },
  ];
  for (const { title, diagnostics, want } of cases)
    test(title, () => {
      const conditions = conditionsOf({ generation: 1, diagnostics });
      assert.deepEqual(shown(conditions), [...want, "Programmed=True Programmed"]);
    });

  test("errors come first, with field, remedy and code; a long list is cut", () => {
    const many = Array.from({ length: 12 }, () => diagnostic("MESH0114", "warning"));
    const [accepted] = conditionsOf({
      generation: 1,
      diagnostics: [...many, diagnostic("MESH0102", "error")],
    });
    assert.match(
      accepted?.message ?? "",
      /^spec\.http\[0\]: is wrong: correct it \(MESH0102\); .*; and 3 more$/,
    );
  });

  test("a rejection says who, what and why, and does not quote without end", () => {
    const rejected = {
      proxies: 3,
      example: "shop/web-1",
      resource: "VirtualHost 80/web:80",
      message: "x".repeat(5_000),
    };
    const programmed = conditionsOf({ generation: 1, diagnostics: [], rejected }).at(-1);
    assert.equal(programmed?.reason, "Rejected");
    assert.match(
      programmed?.message ?? "",
      /VirtualHost 80\/web:80 at 3 proxies, shop\/web-1 among them,.*: x{1000}…$/,
    );
  });
});

describe("transitions", () => {
  const first = transition([], GOOD, T1) ?? [];

  test("what is said already is not said again", () => {
    assert.equal(first.length, 3);
    assert.equal(transition(first, GOOD, T2), undefined);
    const asText = first.map((one) => ({ ...one, observedGeneration: "3" as unknown as number }));
    assert.equal(transition(asText, GOOD, T2), undefined);
  });

  test("a condition keeps its time as long as its status stays", () => {
    const bad = conditionsOf({ generation: 4, diagnostics: [diagnostic("MESH0102", "error")] });
    const times = transition(first, bad, T2)?.map((one) => one.lastTransitionTime.slice(8, 10));
    assert.deepEqual(times, ["02", "01", "01"]);
  });

  test("conditions of others stay", () => {
    const foreign = { ...first[0], type: "Reconciled" } as Condition;
    const next = transition([foreign], GOOD, T1) ?? [];
    assert.deepEqual(next[0], foreign);
    assert.equal(next.length, 4);
  });

  test("a count of proxies that moves is a rewording, anything else is not", () => {
    const at = (proxies: number, generation = 1): readonly NewCondition[] =>
      conditionsOf({
        generation,
        diagnostics: [],
        rejected: { proxies, example: "a/b", resource: "Cluster c", message: "no" },
      });
    assert.ok(isRewording(at(2), at(3)));
    assert.ok(!isRewording(at(2), at(3, 2)));
    assert.ok(!isRewording(conditionsOf({ generation: 1, diagnostics: [] }), at(3)));
    assert.ok(!isRewording([], at(3)));
  });
});

describe("rejections by object", () => {
  const refusal = (proxy: string, ...sources: readonly string[]): Refusal => ({
    proxy,
    sources,
    resource: "VirtualHost 80/web:80",
    message: "bad regex",
  });

  test("proxies are counted, and the first by name is the example", () => {
    const all = bySource([refusal("b/2", "VS a", "VS b"), refusal("a/1", "VS a")]);
    assert.deepEqual([all.get("VS a")?.proxies, all.get("VS a")?.example], [2, "a/1"]);
    assert.deepEqual([all.get("VS b")?.proxies, all.get("VS b")?.example], [1, "b/2"]);
  });

  test("only objects with other words have changed", () => {
    const before = bySource([refusal("a/1", "VS a"), refusal("a/1", "VS b")]);
    const after = bySource([refusal("a/1", "VS b"), refusal("a/1", "VS c")]);
    assert.deepEqual(changedSources(before, after).toSorted(), ["VS a", "VS c"]);
    assert.deepEqual(changedSources(after, after), []);
  });
});
