import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { History, type Version } from "./history.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const change = fc.dictionary(fc.constantFrom(...NAMES), fc.option(fc.nat(3), { nil: undefined }));

const sorted = (entries: Iterable<readonly [string, number]>): unknown =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

test("every version goes on telling what was in it, however it is read", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 150 }), fc.boolean(), (changes, walkEarly) => {
      const history = new History<number>();
      const old: { version: Version<number>; want: Map<string, number> }[] = [];
      const now = new Map<string, number>();
      for (const [i, edits] of changes.entries()) {
        history.commit(i + 1, new Map(Object.entries(edits)));
        for (const [name, value] of Object.entries(edits))
          if (value === undefined) now.delete(name);
          else now.set(name, value);
        old.push({ version: history.current, want: new Map(now) });
        if (walkEarly && i % 3 === 0)
          assert.equal(old[i >> 1]?.version.size, old[i >> 1]?.want.size);
      }
      for (const { version, want } of old) {
        for (const name of NAMES) assert.equal(version.get(name), want.get(name));
        assert.deepEqual(sorted(version), sorted(want));
      }
    }),
  );
});

test("the names that changed are all that differ between two versions", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.nat(20), (changes, from) => {
      const history = new History<number>();
      let old = history.current;
      for (const [i, edits] of changes.entries()) {
        if (i === from) old = history.current;
        history.commit(i + 1, new Map(Object.entries(edits)));
      }
      const since = Math.min(from, changes.length);
      if (from >= changes.length) old = history.current;
      const names = history.changedSince(since);
      for (const name of NAMES)
        if (old.get(name) !== history.current.get(name)) assert.ok(names?.has(name), name);
    }),
  );
});

test("what changed too long ago is not known", () => {
  const history = new History<number>();
  for (let i = 1; i <= 300; i += 1) history.commit(i, new Map([[`n${i}`, i]]));
  assert.equal(history.changedSince(10), undefined);
  assert.deepEqual([...(history.changedSince(298) ?? [])], ["n299", "n300"]);
  assert.equal(history.changedSince(298), history.changedSince(298), "computed once");
});
