import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceEntry } from "../api/kinds.ts";
import { type Address, AddressPool, allocationOf } from "./addresses.ts";

const entry = (spec: object, more: Partial<ServiceEntry> & { labels?: object } = {}) =>
  ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: "web", namespace: "shop", labels: more.labels },
    spec: { hosts: ["a.example.com", "*.example.com"], resolution: "DNS", ...spec },
    ...(more.status && { status: more.status }),
  }) as ServiceEntry;

const values = (addresses: readonly Address[]): readonly string[] =>
  addresses.map(({ value }) => value);

test("hosts without addresses get some, unless they are patterns, resolve nothing, or opt out", () => {
  const hosts = (...args: Parameters<typeof entry>) => allocationOf(entry(...args)).hosts;
  assert.deepEqual(hosts({}), ["a.example.com"]);
  assert.deepEqual(hosts({ addresses: ["192.0.2.1"] }), []);
  assert.deepEqual(hosts({ resolution: "NONE" }), []);
  assert.deepEqual(hosts({ resolution: undefined }), []);
  const labels = { "networking.istio.io/enable-autoallocate-ip": "false" };
  assert.deepEqual(hosts({}, { labels }), []);
});

test("an address stays a host's over restarts, and comes out the same if it is lost", () => {
  const wants = { hosts: ["a.example.com", "b.example.com"], held: [] };
  const first = new AddressPool().allocate("one", wants, false);
  assert.match(first[0]?.value ?? "", /^240\.240\.\d+\.\d+$/);
  assert.equal(new Set(values(first)).size, 2);
  const restarted = new AddressPool();
  restarted.note("one", first);
  assert.deepEqual(restarted.allocate("one", { ...wants, held: first }, false), first);
  assert.deepEqual(new AddressPool().allocate("one", wants, false), first);
});

test("no two objects have one address, whoever says so", () => {
  const pool = new AddressPool();
  const held = [{ value: "240.240.0.1", host: "a.example.com" }];
  pool.note("one", held);
  pool.note("two", held);
  const of = (id: string) => pool.allocate(id, { hosts: ["a.example.com"], held }, false);
  assert.deepEqual(of("one"), held);
  assert.notDeepEqual(of("two"), held);
  pool.release("one");
  pool.release("two");
  assert.deepEqual(pool.allocate("two", { hosts: [], held }, false), []);
});

test("what is made again has its address again, in the same pool too", () => {
  const pool = new AddressPool();
  const wants = { hosts: ["a.example.com"], held: [] };
  const first = pool.allocate("one", wants, true);
  pool.note("one", first);
  pool.release("one");
  assert.deepEqual(pool.allocate("one", wants, true), first);
  // As when it goes before its status was told of.
  pool.release("one");
  assert.deepEqual(pool.allocate("one", wants, true), first);
});

test("where there is IPv6, each host has an address of both families", () => {
  const pool = new AddressPool();
  const only = pool.allocate("one", { hosts: ["a"], held: [] }, false);
  const both = pool.allocate("one", { hosts: ["a"], held: only }, true);
  assert.deepEqual(both[0], only[0]);
  assert.match(both[1]?.value ?? "", /^2001:2::[\da-f]+$/);
});

test("of 60,000 hosts each has its own", () => {
  const pool = new AddressPool();
  const hosts = Array.from({ length: 60_000 }, (_, i) => `h${i}.example.com`);
  const all = pool.allocate("one", { hosts, held: [] }, false);
  assert.equal(new Set(values(all)).size, 60_000);
  assert.ok(values(all).every((value) => !/\.0\.0$|\.255\.255$/.test(value)));
});
