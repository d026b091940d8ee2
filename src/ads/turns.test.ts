import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Turns } from "./turns.ts";

function scene(t: TestContext, limit: number) {
  t.mock.timers.enable({ apis: ["setTimeout", "setImmediate"] });
  let now = 0;
  const called: string[] = [];
  const turns = new Turns({ limit, now: () => now });
  const guest = (name: string) => () => void called.push(name);
  const pass = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { turns, guest, called, pass };
}

test("so many go on at a time, and the next when one of them rests", (t) => {
  const { turns, guest, called, pass } = scene(t, 2);
  const [a, b, c] = [guest("a"), guest("b"), guest("c")];
  assert.deepEqual(
    [a, b, c].map((one) => turns.take(one)),
    [true, true, false],
  );
  assert.ok(turns.take(a), "who has a turn keeps it");
  turns.rest(a);
  pass(0);
  assert.deepEqual(called, ["c"]);
  assert.ok(turns.isBusy);
  turns.leave(b);
  turns.leave(c);
  assert.ok(!turns.isBusy);
});

test("who had a turn before comes before those that had none", (t) => {
  const { turns, guest, called, pass } = scene(t, 1);
  const [a, b, c] = [guest("a"), guest("b"), guest("c")];
  turns.take(a);
  turns.take(b);
  turns.rest(a);
  pass(0);
  turns.take(c);
  assert.ok(!turns.take(a));
  turns.rest(b);
  pass(0);
  assert.deepEqual(called, ["b", "a"]);
});

test("who does not read loses its turn when others wait, and who is gone gets none", (t) => {
  const { turns, guest, called, pass } = scene(t, 1);
  const [slow, gone, other] = [guest("slow"), guest("gone"), guest("other")];
  turns.take(slow);
  turns.take(gone);
  turns.take(other);
  turns.leave(gone);
  pass(999);
  assert.deepEqual(called, []);
  pass(1);
  pass(0);
  assert.deepEqual(called, ["other"]);
});
