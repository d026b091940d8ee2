import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Engine } from "./engine.ts";
import { union } from "./sorted.ts";
import { Table } from "./table.ts";

const word = fc.string({ maxLength: 2 });
const inOrder = (words: Iterable<string>): readonly string[] => [...new Set(words)].sort();

test("a union is what sorting everything once would give, and one list alone is itself", () => {
  fc.assert(
    fc.property(fc.array(fc.array(word)), (lists) => {
      assert.deepEqual(union(lists.map(inOrder)), inOrder(lists.flat()));
    }),
  );
  const alone = ["a", "b"];
  assert.equal(union([[], alone, []]), alone);
});

test("a bucket is sorted after any members came and went, and what was read of it stays as it was", () => {
  const edit = fc.record({ key: word, member: fc.option(word, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(fc.array(edit)), (rounds) => {
      const engine = new Engine();
      const table = new Table<{ key: string; member: string }, string>(engine, {
        key: ({ key }) => key,
        project: ({ member }) => member,
      });
      const index = table.index((member) => [["all", member]]);
      const members = new Map<string, string>();
      for (const edits of rounds) {
        const before = engine.get(index, "all");
        const copy = [...before];
        for (const { key, member } of edits)
          if (member === undefined) {
            table.remove(key);
            members.delete(key);
          } else {
            table.upsert({ key, member });
            members.set(key, member);
          }
        assert.deepEqual(engine.get(index, "all"), inOrder(members.values()));
        assert.deepEqual(before, copy);
      }
    }),
  );
});
