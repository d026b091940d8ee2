import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Engine, type Query } from "./engine.ts";
import { Table } from "./table.ts";

interface Item {
  readonly name: string;
  readonly color: string;
  readonly size: number;
  readonly next: string;
}

const NAMES = ["a", "b", "c", "d", "e"];
const COLORS = ["red", "green"];

/** A small world with every feature: inputs, an index, reads that depend on what was read before. */
function world(maxUnread?: number) {
  const engine = new Engine(maxUnread);
  const items = new Table<Item, Item>(engine, {
    key: ({ name }) => name,
    project: (item) => (item.color === "none" ? undefined : item),
  });
  const byColor = items.index(({ color }, key) => [
    [color, key],
    ["any", key],
  ]);
  const sizes = items.index(({ color, size }) => [[color, String(size % 3)]]);
  const runs = { big: 0, total: 0 };
  const big = engine.query((cx, name: string) => {
    runs.big += 1;
    return (cx.get(items, name)?.size ?? 0) > 4;
  });
  const total = engine.query((cx, color: string) => {
    runs.total += 1;
    return cx.get(byColor, color).filter((name) => cx.get(big, name));
  });
  const chain: Query<[string, number], readonly string[]> = engine.query(
    (cx, name: string, depth: number): readonly string[] => {
      const item = cx.get(items, name);
      if (item === undefined || depth === 0) return [];
      return [`${name}:${cx.get(big, name)}`, ...cx.get(chain, item.next, depth - 1)];
    },
  );
  const all = (): unknown => ({
    totals: [...COLORS, "any", "blue"].map((color) => engine.get(total, color)),
    sizes: COLORS.map((color) => engine.get(sizes, color)),
    chains: NAMES.map((name) => engine.get(chain, name, 4)),
  });
  return { engine, items, sizes, big, total, chain, runs, all };
}

const item = fc.record({
  name: fc.constantFrom(...NAMES),
  color: fc.constantFrom(...COLORS, "none"),
  size: fc.nat(8),
  next: fc.constantFrom(...NAMES),
});
type World = ReturnType<typeof world>;
type Edit = (world: World) => void;

const edit: fc.Arbitrary<Edit> = fc.oneof(
  item.map(
    (it): Edit =>
      ({ items }) =>
        items.upsert(it),
  ),
  fc.constantFrom(...NAMES).map(
    (name): Edit =>
      ({ items }) =>
        items.remove(name),
  ),
  fc.uniqueArray(item, { selector: ({ name }) => name }).map(
    (list): Edit =>
      ({ items }) =>
        items.replace(list),
  ),
  fc.array(item).map(
    (list): Edit =>
      ({ engine, items }) => {
        engine.batch(() => {
          for (const it of list) items.upsert(it);
        });
      },
  ),
  fc.constantFrom(...NAMES).map(
    (name): Edit =>
      ({ engine, chain }) => {
        engine.get(chain, name, 3);
      },
  ),
  fc.constant<Edit>(({ all }) => {
    all();
  }),
);

/** How many values nobody reads any more are kept until the next change. */
const unread = fc.option(fc.nat(8), { nil: undefined });

test("whatever was edited and read, values are those of a world that knew nothing else", () => {
  fc.assert(
    fc.property(unread, fc.array(edit, { maxLength: 40 }), (limit, edits) => {
      const kept = world(limit);
      const watch = kept.engine.watch(kept.total.node("any"), () => {});
      for (const change of edits) {
        change(kept);
        const fresh = world();
        fresh.items.replace([...kept.items.entries()].map(([, value]) => value));
        assert.deepEqual(watch.read(), fresh.engine.get(fresh.total, "any"));
      }
      const fresh = world();
      fresh.items.replace([...kept.items.entries()].map(([, value]) => value));
      assert.deepEqual(kept.all(), fresh.all());
    }),
    { numRuns: 300 },
  );
});

const red = (name: string, size: number): Item => ({ name, color: "red", size, next: "a" });

test("a value that comes out equal stops the change", () => {
  const { engine, items, total, runs } = world();
  items.replace([red("a", 1), red("b", 2)]);
  const before = engine.watch(total.node("red"), () => {}).read();
  items.upsert(red("a", 3));
  assert.equal(engine.get(total, "red"), before, "the same array, not an equal one");
  assert.deepEqual(runs, { big: 3, total: 1 });
});

test("an object whose projection is equal has not changed", () => {
  const { engine, items } = world();
  items.upsert(red("a", 1));
  let batches = 0;
  engine.onChange(() => {
    batches += 1;
  });
  items.upsert(red("a", 1));
  assert.equal(batches, 0);
});

test("a change costs what read it, not what exists", () => {
  const { engine, items, big, runs } = world();
  items.replace(Array.from({ length: 1000 }, (_, i) => red(`n${i}`, 1)));
  const suspects: number[] = [];
  const watches = Array.from({ length: 1000 }, (_, i) =>
    engine.watch(big.node(`n${i}`), () => suspects.push(i)),
  );
  for (const watch of watches) watch.read();
  items.upsert(red("n7", 9));
  assert.deepEqual(suspects, [7]);
  assert.equal(watches[7]?.read(), true);
  assert.equal(runs.big, 1001);
});

test("a bucket changes when its members do, and a member may be there for several reasons", () => {
  const { engine, items, sizes } = world();
  items.replace([red("a", 1), red("b", 4)]);
  let suspects = 0;
  const watch = engine.watch(sizes.node("red"), () => {
    suspects += 1;
  });
  assert.deepEqual(watch.read(), ["1"]);
  items.remove("a");
  assert.deepEqual([watch.read(), suspects], [["1"], 0]);
  items.remove("b");
  assert.deepEqual([watch.read(), suspects], [[], 1]);
});

test("listeners hear of a batch once, after all of it", () => {
  const { engine, items, total } = world();
  const seen: unknown[] = [];
  engine.onChange(() => seen.push(engine.get(total, "any")));
  items.replace([red("a", 9), red("b", 9)]);
  assert.deepEqual(seen, [["a", "b"]]);
});

test("what nobody reads is forgotten at the next change", () => {
  const { engine, items, big, total } = world();
  items.replace([red("a", 9), red("b", 9)]);
  const watch = engine.watch(total.node("red"), () => {});
  watch.read();
  items.upsert(red("c", 9));
  watch.read();
  assert.deepEqual([total.size, big.size], [1, 3]);
  watch.dispose();
  items.upsert(red("a", 1));
  assert.deepEqual([total.size, big.size], [0, 0]);
});

test("reads of ever new keys fill no memory, though nothing changes", () => {
  const { engine, items, big } = world();
  items.replace([red("a", 9)]);
  const watch = engine.watch(big.node("a"), () => {});
  let largest = 0;
  for (let i = 0; i < 20_000; i++) {
    assert.equal(engine.get(big, `n${i}`), false);
    largest = Math.max(largest, big.size);
  }
  assert.ok(largest > 1_000, "what is asked for again soon is kept");
  assert.ok(largest <= 10_002, `${largest} are kept`);
  assert.equal(watch.read(), true);
});

test("a read within a read takes nothing from the one that is under way", () => {
  const { engine, items, big } = world(0);
  const outer = engine.query((cx, name: string) => {
    const before = cx.get(big, name);
    return [before, engine.get(big, "b"), cx.get(big, "c")];
  });
  const nested = engine.query((cx, name: string) => [engine.get(outer, name), cx.get(outer, name)]);
  items.replace([red("a", 9), red("c", 9)]);
  assert.deepEqual(engine.get(outer, "a"), [true, false, true]);
  assert.deepEqual([outer.size, big.size], [0, 0], "nobody reads them any more");
  const watch = engine.watch(nested.node("a"), () => {});
  for (const size of [9, 1]) {
    items.upsert(red("a", size));
    const values = [size > 4, false, true];
    assert.deepEqual(watch.read(), [values, values]);
  }
  watch.dispose();
  items.upsert(red("d", 1));
  assert.deepEqual([nested.size, outer.size, big.size], [0, 0, 0]);
});

test("a query that throws hurts its readers alone, and until its inputs change", () => {
  const engine = new Engine();
  const table = new Table<Item, Item>(engine, { key: ({ name }) => name, project: (it) => it });
  const half = engine.query((cx, name: string) => {
    const { size } = cx.get(table, name) ?? { size: 0 };
    if (size === 0) throw new RangeError(`${name} has no size`);
    return size / 2;
  });
  const watch = engine.watch(half.node("a"), () => {});
  assert.throws(() => watch.read(), /a has no size/);
  table.upsert(red("a", 4));
  assert.equal(watch.read(), 2);
});

test("a query that reads itself is a bug that is named", () => {
  const engine = new Engine();
  const ouroboros: Query<[string], string> = engine.query((cx, name: string): string =>
    cx.get(ouroboros, name),
  );
  assert.throws(() => engine.get(ouroboros, "a"), /reads itself/);
});

test("a table tells whether anything that is kept was made of a value", () => {
  const { engine, items, big } = world();
  assert.equal(items.isRead("a"), false);
  engine.get(big, "b");
  const watch = engine.watch(big.node("a"), () => {});
  watch.read();
  assert.ok(items.isRead("a"), "of there being nothing");
  items.upsert(red("c", 1));
  assert.equal(items.isRead("b"), false, "a single look keeps nothing");
  watch.dispose();
  items.upsert(red("c", 2));
  assert.equal(items.isRead("a"), false);
});
