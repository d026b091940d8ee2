import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Pusher } from "./push.ts";

const counting = (durationMs = 0) => {
  const stream = {
    pushes: 0,
    push: () => {
      stream.pushes += 1;
      const end = performance.now() + durationMs;
      while (performance.now() < end);
    },
  };
  return stream;
};

test("changes of one moment are one round; a later one is another", async () => {
  const rounds: number[] = [];
  const pusher = new Pusher((ms) => rounds.push(ms));
  const [a, b] = [counting(), counting()];
  pusher.add(a);
  pusher.add(b);
  pusher.changed();
  pusher.changed();
  pusher.changedFor(a);
  await turn();
  assert.deepEqual([a.pushes, b.pushes, rounds.length], [1, 1, 1]);
  pusher.changed();
  await turn();
  assert.deepEqual([a.pushes, b.pushes, rounds.length], [2, 2, 2]);
});

test("what concerns one of them comes after those that wait, and is no round", async () => {
  const rounds: number[] = [];
  const pusher = new Pusher((ms) => rounds.push(ms));
  const order: string[] = [];
  const [a, b] = ["a", "b"].map((name) => ({ push: () => order.push(name) }));
  for (const stream of [a, b]) pusher.add(stream as { push: () => void });
  pusher.changedFor(a as { push: () => void });
  await turn();
  assert.deepEqual([order, rounds.length], [["a"], 0]);
  pusher.changed();
  setImmediate(() => pusher.changedFor(a as { push: () => void }));
  await turn();
  await turn();
  assert.deepEqual([order, rounds.length], [["a", "a", "b", "a"], 1]);
});

test("a round is over when all have what changed, whatever they answered meanwhile", async () => {
  const order: string[] = [];
  const pusher = new Pusher(() => order.push("over"));
  const busy = (name: string) => ({
    push: () => {
      order.push(name);
      // The first to be served answers while the others wait.
      if (name === "a" && order.length === 1) pusher.changedFor(a);
      const end = performance.now() + 10;
      while (performance.now() < end);
    },
  });
  const [a, b, c] = [busy("a"), busy("b"), busy("c")];
  for (const stream of [a, b, c]) pusher.add(stream);
  pusher.changed();
  while (pusher.isBusy) await turn();
  assert.deepEqual(order, ["a", "b", "c", "over", "a"]);
});

test("a round that takes long lets others run, and a change in it reaches all again", async () => {
  const pusher = new Pusher();
  const streams = Array.from({ length: 6 }, () => counting(6));
  for (const stream of streams) pusher.add(stream);
  pusher.changed();
  await turn();
  const visited = () => streams.filter(({ pushes }) => pushes > 0).length;
  assert.ok(visited() < streams.length, "one turn must not serve all");
  pusher.changed();
  while (visited() < streams.length) await turn();
  for (let i = 0; i < streams.length; i++) await turn();
  assert.ok(streams.every(({ pushes }) => pushes >= 1));
  assert.equal(streams[0]?.pushes, 2, "the first was visited before the second change");
});

test("who has left is visited no more", async () => {
  const pusher = new Pusher();
  const stream = counting();
  pusher.add(stream);
  pusher.changed();
  pusher.delete(stream);
  pusher.changedFor(stream);
  await turn();
  assert.equal(stream.pushes, 0);
});

test("changes that come faster than a round takes leave nobody out, and are measured", async () => {
  const rounds: number[] = [];
  const pusher = new Pusher((ms) => rounds.push(ms));
  const streams = Array.from({ length: 3 }, () => counting(10));
  for (const stream of streams) pusher.add(stream);
  for (let i = 0; i < 6; i++) {
    pusher.changed();
    await turn();
  }
  assert.deepEqual(
    streams.map(({ pushes }) => pushes),
    [2, 2, 2],
  );
  assert.ok(rounds.length > 0);
  assert.ok(rounds.every((ms) => ms >= 30));
  while (pusher.isBusy) await turn();
  assert.equal(rounds.length, 6, "each change reached all of them in the end");
});

test("who leaves as the last that waits ends the round", () => {
  const rounds: number[] = [];
  const pusher = new Pusher((ms) => rounds.push(ms));
  const stream = counting();
  pusher.add(stream);
  pusher.changed();
  pusher.delete(stream);
  assert.deepEqual([rounds.length, pusher.isBusy], [1, false]);
});
