import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "./wait.ts";

const wait = { description: "third time", deadlineMs: 1_000, intervalMs: 1 };

test("waiting ends with the first value that is there", async () => {
  let times = 0;
  const value = await waitFor(wait, () => (++times === 3 ? times : undefined));
  assert.equal(value, 3);
});

test("a probe that throws is not there yet", async () => {
  let times = 0;
  const value = await waitFor(wait, async () => {
    times += 1;
    if (times < 3) throw new Error("not yet");
    return times;
  });
  assert.equal(value, 3);
});

test("what never came is named, with the last reason and the diagnosis", async () => {
  const diagnose = async (): Promise<string> => "pods: none";
  await assert.rejects(
    waitFor({ ...wait, deadlineMs: 5, diagnose }, () => {
      throw new Error("still 2");
    }),
    { message: "no third time within 0.005 s: still 2\npods: none" },
  );
});
