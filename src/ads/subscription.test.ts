import assert from "node:assert/strict";
import { test } from "node:test";
import { HandMadeScopes } from "../testing/scopes.ts";
import type { EncodedResource } from "../xds/resource.ts";
import { type Request, Subscription } from "./subscription.ts";

const made = (name: string, version: string): EncodedResource => ({
  name,
  version,
  bytes: new Uint8Array(),
  clusters: [],
});

const request = (more: Partial<Request> = {}): Request => ({
  subscribe: [],
  unsubscribe: [],
  initialVersions: {},
  ...more,
});

/** Sends all that is outstanding and returns it, `name@version` or `-name`. */
function send(subscription: Subscription, scopes: HandMadeScopes, nonce = "n"): readonly string[] {
  const target = scopes.of("Cluster");
  subscription.rebase(target);
  const names = [...subscription.deviations.keys()];
  const resources = names.flatMap((name) => target.resources.get(name) ?? []);
  const removed = names.filter((name) => !target.resources.has(name));
  subscription.sent(nonce, resources, removed);
  return [...resources.map((r) => `${r.name}@${r.version}`), ...removed.map((name) => `-${name}`)];
}

function world(versions: Readonly<Record<string, string>>): HandMadeScopes {
  const scopes = new HandMadeScopes();
  const all = Object.entries(versions).map(([name, version]) => [name, made(name, version)]);
  scopes.write({ Cluster: Object.fromEntries(all) });
  return scopes;
}

for (const { name, first, want } of [
  { name: "a client that names nothing gets everything", first: {}, want: ["a@1", "b@1"] },
  { name: "so does one that asks for *", first: { subscribe: ["*"] }, want: ["a@1", "b@1"] },
  { name: "one that names some gets those", first: { subscribe: ["a"] }, want: ["a@1"] },
  {
    name: "what does not exist is answered as removed",
    first: { subscribe: ["a", "x"] },
    want: ["a@1", "-x"],
  },
  {
    name: "a client that comes back gets what changed and what went",
    first: { initialVersions: { a: "1", b: "0", x: "1" } },
    want: ["b@1", "-x"],
  },
  {
    name: "a client that comes back with names gets what it lacks",
    first: { subscribe: ["a", "b"], initialVersions: { a: "1" } },
    want: ["b@1"],
  },
] satisfies { name: string; first: Partial<Request>; want: string[] }[]) {
  test(name, () => {
    const scopes = world({ a: "1", b: "1" });
    const subscription = new Subscription(request(first));
    assert.deepEqual(send(subscription, scopes), want);
    assert.deepEqual(send(subscription, scopes), [], "and then nothing");
  });
}

test("a name that is asked for again is sent again, though nothing changed", () => {
  const scopes = world({ a: "1" });
  const subscription = new Subscription(request({ subscribe: ["a", "x"] }));
  send(subscription, scopes);
  subscription.update(request({ subscribe: ["a", "x"] }));
  assert.deepEqual(send(subscription, scopes), ["a@1", "-x"]);
});

test("what is no longer wanted is no longer sent, and sent anew when it is wanted again", () => {
  const scopes = world({ a: "1", b: "1" });
  const subscription = new Subscription(request({ subscribe: ["a", "b"] }));
  send(subscription, scopes);
  subscription.update(request({ unsubscribe: ["a"] }));
  scopes.write({ Cluster: { a: made("a", "2") } });
  assert.deepEqual(send(subscription, scopes), []);
  subscription.update(request({ subscribe: ["a"] }));
  assert.deepEqual(send(subscription, scopes), ["a@2"]);
});

test("a name given up that * still covers is sent again", () => {
  const scopes = world({ a: "1", b: "1" });
  const subscription = new Subscription(request({ subscribe: ["*", "a"] }));
  send(subscription, scopes);
  subscription.update(request({ unsubscribe: ["a"] }));
  assert.deepEqual(send(subscription, scopes), ["a@1"]);
});

test("without * only names count, and with it again everything is sent that was missing", () => {
  const scopes = world({ a: "1", b: "1" });
  const subscription = new Subscription(request({ subscribe: ["*", "a"] }));
  send(subscription, scopes);
  subscription.update(request({ unsubscribe: ["*"] }));
  scopes.write({ Cluster: { b: made("b", "2") } });
  assert.deepEqual(send(subscription, scopes), []);
  subscription.update(request({ subscribe: ["*"] }));
  assert.deepEqual(send(subscription, scopes), ["b@2"]);
});

test("a rejected response is outstanding again, until it changes or is given up", () => {
  const scopes = world({ a: "1", b: "1" });
  const subscription = new Subscription(request());
  send(subscription, scopes, "1");
  subscription.rejected("1", "b is bad");
  assert.equal(subscription.refusals("a", "1"), 0, "either may be the culprit");
  assert.deepEqual(send(subscription, scopes, "2"), ["a@1", "b@1"]);
  subscription.accepted("2");
  assert.equal(subscription.refusals("a", "1"), undefined);
  assert.equal(subscription.held("a")?.version, "1");
});

test("what a client had stays what it has, when it rejects the next", () => {
  const scopes = world({ a: "1" });
  const subscription = new Subscription(request());
  send(subscription, scopes, "1");
  subscription.accepted("1");
  scopes.write({ Cluster: { a: made("a", "2") } });
  send(subscription, scopes, "2");
  subscription.rejected("2", "bad");
  assert.equal(subscription.held("a")?.version, "1");
  assert.equal(subscription.refusals("a", "2"), 1);
});
