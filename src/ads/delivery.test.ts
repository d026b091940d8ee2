import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncodedResource } from "../xds/resource.ts";
import { admits, deliver, ENDPOINTS_GRACE_MS, GRACE_MS, naming, release } from "./delivery.ts";
import type { Deviation } from "./held.ts";

const host = (version: string, ...clusters: string[]): EncodedResource => ({
  name: "h",
  version,
  bytes: new Uint8Array(),
  clusters,
});
const PEOPLED = { empty: () => false };
const WARM = { ...PEOPLED, warm: () => true, coming: () => true };
const COMING = { ...PEOPLED, warm: () => false, coming: () => true };
const MISSING = { ...PEOPLED, warm: () => false, coming: () => false };
const pushed: Deviation = { held: host("1", "old"), asked: false };
const asked: Deviation = { held: undefined, asked: true };

for (const { name, deviation, at, want } of [
  { name: "goes out when its clusters are warm", deviation: pushed, at: WARM, want: true },
  { name: "waits for clusters that are coming", deviation: pushed, at: COMING, want: false },
  { name: "waits for clusters that do not exist", deviation: pushed, at: MISSING, want: false },
  {
    name: "waits though it was asked for, if they come",
    deviation: asked,
    at: COMING,
    want: false,
  },
  { name: "goes to who asks if they do not exist", deviation: asked, at: MISSING, want: true },
  {
    name: "goes out if the proxy leads there already",
    deviation: { held: host("1", "c"), asked: false },
    at: MISSING,
    want: true,
  },
  {
    name: "waits if nobody knows what the proxy has",
    deviation: { held: { version: "1", clusters: undefined }, asked: false },
    at: MISSING,
    want: false,
  },
]) {
  test(`a host ${name}`, () => assert.equal(admits(host("2", "c"), deviation, at), want));
}

test("what waits goes out after the grace period, and counts it from the first time", () => {
  const target = new Map([["h", host("2", "c")]]);
  const deviations = new Map([["h", pushed]]);
  const at = (now: number, waiting: ReadonlyMap<string, number>) =>
    deliver(deviations, target, { clusters: MISSING, waiting, now });
  const first = at(5, new Map());
  assert.deepEqual([first.ready.length, first.dueAt], [0, 5 + GRACE_MS]);
  const later = at(4 + GRACE_MS, first.waiting);
  assert.deepEqual([later.ready.length, later.dueAt], [0, 5 + GRACE_MS]);
  const due = at(5 + GRACE_MS, later.waiting);
  assert.equal(due.ready.length, 1);
  assert.equal(at(6 + GRACE_MS, due.waiting).ready.length, 1, "until it has gone out");
});

for (const { name, deviation, empty, graceMs } of [
  {
    name: "waits while it would leave endpoints for none",
    deviation: pushed,
    empty: ["c"],
    graceMs: ENDPOINTS_GRACE_MS,
  },
  {
    name: "goes out if nobody served before either",
    deviation: pushed,
    empty: ["old", "c"],
    graceMs: 0,
  },
  { name: "goes out if it was asked for", deviation: asked, empty: ["c"], graceMs: 0 },
  {
    name: "goes out if the proxy leads there already",
    deviation: { held: host("1", "c", "old"), asked: false },
    empty: ["c"],
    graceMs: 0,
  },
]) {
  test(`a host for a cluster without endpoints ${name}`, () => {
    const clusters = { ...WARM, empty: (cluster: string) => empty.includes(cluster) };
    const at = (now: number, waiting: ReadonlyMap<string, number>) =>
      deliver(new Map([["h", deviation]]), new Map([["h", host("2", "c")]]), {
        clusters,
        waiting,
        now,
      });
    const first = at(5, new Map());
    assert.equal(first.ready.length, graceMs === 0 ? 1 : 0);
    if (graceMs > 0) assert.equal(first.dueAt, 5 + graceMs);
    assert.equal(at(5 + graceMs, first.waiting).ready.length, 1);
  });
}

test("a cluster goes when nothing names it, or when its grace is over, but never from under what is held", () => {
  const uses = (held: string[], wanted: string[]) => ({
    held: (cluster: string) => held.includes(cluster),
    wanted: (cluster: string) => wanted.includes(cluster),
  });
  const gone = ["a", "b", "c"];
  const first = release(gone, uses(["a"], ["b"]), { waiting: new Map(), now: 0 });
  assert.deepEqual(first.removed, ["c"]);
  assert.equal(first.dueAt, GRACE_MS);
  const due = release(gone, uses(["a"], ["b"]), { waiting: first.waiting, now: GRACE_MS });
  assert.deepEqual(due.removed, ["b", "c"]);
  assert.equal(due.dueAt, Number.POSITIVE_INFINITY, "no timer helps: the client's answer will");
});

test("what came back with unknown content may name any cluster", () => {
  assert.equal(naming([host("1", "a"), undefined])("b"), false);
  assert.equal(naming([host("1", "a")])("a"), true);
  assert.equal(naming([host("1", "a"), { version: "0", clusters: undefined }])("b"), true);
});
