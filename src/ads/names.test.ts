import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Names } from "./names.ts";
import { Roll } from "./roll.ts";

const ALL = ["a", "b", "c", "d", "e"];
const name = fc.constantFrom(...ALL);
const step = fc.record({
  client: fc.nat(2),
  kind: fc.constantFrom("follow" as const, "add" as const, "delete" as const),
  names: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
});

interface Client {
  readonly names: Names;
  /** What it should want. */
  readonly plain: Set<string>;
}

interface Change {
  readonly kind: "follow" | "add" | "delete";
  readonly names: readonly string[];
}

function take({ names, plain }: Client, { kind, names: changed }: Change): void {
  if (kind === "delete") {
    for (const each of changed) {
      names.delete(each);
      plain.delete(each);
    }
    return;
  }
  if (kind === "add" || !names.follow(changed)) for (const each of changed) names.add(each);
  else
    assert.deepEqual(
      changed.filter((each) => plain.has(each)),
      [],
      "followed, though not new",
    );
  for (const each of changed) plain.add(each);
}

test("clients that share a roll want what each of them asked for, whatever the others ask for", () => {
  fc.assert(
    fc.property(fc.array(step, { size: "max", maxLength: 40 }), (steps) => {
      const roll = new Roll(1_000);
      const clients = [0, 1, 2].map(() => ({ names: new Names(roll), plain: new Set<string>() }));
      for (const { client, ...change } of steps) take(clients[client] ?? assert.fail(), change);
      for (const { names, plain } of clients) {
        assert.deepEqual([...names].sort(), [...plain].sort());
        for (const each of ALL) assert.equal(names.has(each), plain.has(each), each);
      }
    }),
  );
});

test("clients that ask alike have no names of their own", () => {
  const roll = new Roll(1_000);
  const clients = [new Names(roll), new Names(roll)];
  for (const client of clients) {
    assert.ok(client.follow(["a", "b"]));
    assert.ok(client.follow(["c"]));
    assert.equal(client.own.size, 0);
  }
  assert.equal(roll.length, 2);
});
