import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silent } from "../util/log.ts";
import { WorkQueue } from "./work-queue.ts";

test("a key that is added often runs once, and once more if it was added during its run", async (t) => {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const started: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const queue = new WorkQueue({
    name: "test",
    log: silent,
    signal: stop.signal,
    run: async (key) => {
      started.push(key);
      await gates[started.length - 1]?.promise;
      return undefined;
    },
  });
  queue.add("a");
  queue.add("a");
  assert.deepEqual(started, ["a"]);
  queue.add("a");
  queue.add("a");
  assert.deepEqual(started, ["a"], "two runs of one key at once");
  gates[0]?.resolve();
  await turn();
  assert.deepEqual(started, ["a", "a"]);
  gates[1]?.resolve();
  await queue.idle();
  assert.deepEqual(started, ["a", "a"]);
});

/** A queue that waits by timers of the test's, a second at first. */
function byTheClock(t: TestContext, run: () => Promise<undefined>): WorkQueue {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const stop = new AbortController();
  t.after(() => stop.abort());
  return new WorkQueue({ name: "test", log: silent, signal: stop.signal, baseMs: 1_000, run });
}

test("a key that fails waits its time, whatever is added meanwhile, and then succeeds", async (t) => {
  let runs = 0;
  const queue = byTheClock(t, async () => {
    runs += 1;
    if (runs < 3) throw new Error("not yet");
    return undefined;
  });
  queue.add("a");
  await queue.idle();
  queue.add("a");
  await queue.idle();
  assert.equal(runs, 1);
  t.mock.timers.tick(2_000);
  await queue.idle();
  t.mock.timers.tick(4_000);
  await queue.idle();
  assert.equal(runs, 3);
  queue.add("a");
  await queue.idle();
  assert.equal(runs, 4);
});

test("what is added while a key that failed runs again is not lost", async (t) => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const queue = byTheClock(t, async () => {
    runs += 1;
    if (runs === 1) throw new Error("not yet");
    await gate.promise;
    return undefined;
  });
  queue.add("a");
  await queue.idle();
  t.mock.timers.tick(2_000);
  assert.equal(runs, 2);
  queue.add("a");
  assert.equal(runs, 2, "two runs of one key at once");
  gate.resolve();
  await queue.idle();
  assert.equal(runs, 3);
});

test("what is added while a key fails again waits its time too", async (t) => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const queue = byTheClock(t, async () => {
    runs += 1;
    if (runs === 2) await gate.promise;
    if (runs < 3) throw new Error("not yet");
    return undefined;
  });
  queue.add("a");
  await queue.idle();
  t.mock.timers.tick(2_000);
  queue.add("a");
  gate.resolve();
  await queue.idle();
  assert.equal(runs, 2, "no time was waited");
  t.mock.timers.tick(4_000);
  await queue.idle();
  assert.equal(runs, 3);
});

test("after its signal nothing runs", async () => {
  const stop = new AbortController();
  let runs = 0;
  const queue = new WorkQueue({
    name: "test",
    log: silent,
    signal: stop.signal,
    run: async () => {
      runs += 1;
      return 1;
    },
  });
  queue.add("a");
  stop.abort();
  await queue.idle();
  queue.add("a");
  await queue.idle();
  assert.equal(runs, 1);
});
