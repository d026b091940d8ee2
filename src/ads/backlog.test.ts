import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HandMadeScopes } from "../testing/scopes.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";
import { Frames } from "./frames.ts";
import { isNamed } from "./references.ts";
import { type Outgoing, Session } from "./session.ts";

/** Two and a half fit into a response. */
const BYTES = 20_000;
const NAMES = Array.from({ length: 12 }, (_, i) => `c${i}`);

const made = (name: string, version = "1", clusters: readonly string[] = []): EncodedResource => ({
  name,
  version,
  bytes: new Uint8Array(BYTES),
  clusters,
});

const byName = (resources: readonly EncodedResource[]) =>
  Object.fromEntries(resources.map((one) => [one.name, one]));

function world(hosted: readonly string[] = NAMES): HandMadeScopes {
  const scopes = new HandMadeScopes();
  const clusters = byName(NAMES.map((name) => made(name)));
  scopes.write({
    Cluster: clusters,
    ClusterLoadAssignment: clusters,
    RouteConfiguration: { r: made("r") },
    VirtualHost: byName(hosted.map((name) => made(`r/${name}`, "1", [name]))),
  });
  return scopes;
}

const frames = new Frames();

function connect(scopes: HandMadeScopes): Session {
  const source = {
    of: (type: ResourceType) => scopes.of(type),
    names: (cluster: string) => isNamed(scopes, cluster),
    pending: () => false,
  };
  const session = new Session(source, frames);
  ask(session, "Cluster");
  return session;
}

const ask = (session: Session, type: ResourceType, subscribe: readonly string[] = []): void =>
  session.subscribe(type, { subscribe, unsubscribe: [], initialVersions: {} });

function all(session: Session, now = 0): readonly Outgoing[] {
  const sent: Outgoing[] = [];
  for (;;) {
    const next = session.next(now);
    if (next === undefined) return sent;
    sent.push(next);
  }
}

const names = (sent: readonly Outgoing[]): readonly string[] =>
  sent.flatMap(({ resources }) => resources.map((one) => one.name));

/** As Envoy: asks for the endpoints of clusters as they come, in the order of its choice. */
function drive(session: Session, isReversed = false): readonly Outgoing[] {
  const clusters = all(session);
  for (const { resources, nonce } of clusters) {
    const asked = resources.map((one) => one.name);
    ask(session, "ClusterLoadAssignment", isReversed ? asked.toReversed() : asked);
    session.settle("Cluster", nonce);
  }
  ask(session, "RouteConfiguration", ["r"]);
  ask(session, "VirtualHost");
  const rest = all(session);
  for (const { type, nonce } of rest) session.settle(type, nonce);
  return [...clusters, ...rest];
}

test("clients that connect are sent the very same bytes, each resource once", () => {
  const scopes = world();
  const [first, second] = [drive(connect(scopes)), drive(connect(scopes))];
  const many = (sent: readonly Outgoing[]) =>
    sent.filter(({ type }) => type !== "RouteConfiguration").map(({ bytes }) => bytes);
  assert.ok(many(first).length > NAMES.length, "several responses of each type");
  assert.deepEqual(
    many(second).map((bytes, i) => bytes === many(first)[i]),
    many(first).map(() => true),
  );
  const want = [...NAMES, ...NAMES, "r", ...NAMES.map((name) => `r/${name}`)].sort();
  assert.deepEqual([...names(first)].sort(), want);
  assert.deepEqual([...names(second)].sort(), want);
});

test("a client that asks in another order gets the same", () => {
  const scopes = world();
  drive(connect(scopes));
  const sent = drive(connect(scopes), true);
  const want = [...NAMES, ...NAMES, "r", ...NAMES.map((name) => `r/${name}`)].sort();
  assert.deepEqual([...names(sent)].sort(), want);
});

function takeNext(session: Session, had: Map<string, string>): void {
  const next = session.next(0);
  if (next === undefined) return;
  for (const { name, version } of next.resources) had.set(name, version);
  for (const name of next.removed) had.delete(name);
  session.settle(next.type, next.nonce);
}

test("what changes, comes or goes while a client is sent the first configuration arrives as it is then", () => {
  const edit = fc.record({
    after: fc.nat(12),
    name: fc.constantFrom(...NAMES, "new"),
    version: fc.option(fc.constantFrom("2", "3"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
      // Clusters that hosts name stay a while.
      const scopes = world([]);
      const session = connect(scopes);
      const had = new Map<string, string>();
      for (let step = 0; step <= 20; step++) {
        for (const { after, name, version } of edits)
          if (after === step) scopes.write({ Cluster: { [name]: version && made(name, version) } });
        session.refresh();
        takeNext(session, had);
      }
      const want = [...scopes.of("Cluster").resources.values()];
      assert.deepEqual(had, new Map(want.map(({ name, version }) => [name, version])));
      assert.equal(session.subscriptions.get("Cluster")?.outstanding, 0);
    }),
    {
      numRuns: 500,
      // One of a group goes while the rest of it is on its way, and one that was sent goes later.
      examples: [
        [
          [
            { after: 1, name: "c11", version: undefined },
            { after: 6, name: "c10", version: undefined },
          ],
        ],
      ],
    },
  );
});

test("what a client asks for and is not there is answered, and what it gives up is not sent", () => {
  const session = connect(world());
  session.subscribe("ClusterLoadAssignment", {
    subscribe: ["c0", "absent", "c1"],
    unsubscribe: [],
    initialVersions: {},
  });
  session.subscribe("ClusterLoadAssignment", {
    subscribe: ["c2"],
    unsubscribe: ["c1"],
    initialVersions: {},
  });
  const sent = all(session).filter(({ type }) => type === "ClusterLoadAssignment");
  assert.deepEqual([...names(sent)].sort(), ["c0", "c2"]);
  assert.deepEqual(
    sent.flatMap(({ removed }) => removed),
    ["absent"],
  );
});

test("a cluster that does not get warm holds back its own hosts alone, after a moment", () => {
  const session = connect(world());
  const [stuck, ...others] = all(session);
  for (const { nonce } of others) session.settle("Cluster", nonce);
  ask(session, "RouteConfiguration", ["r"]);
  ask(session, "VirtualHost");
  const atOnce = all(session).filter(({ type }) => type === "VirtualHost");
  assert.deepEqual(names(atOnce), []);
  assert.ok(session.dueAt > 0 && session.dueAt <= 2_000, "it looks again by itself");
  const later = all(session, session.dueAt);
  const held = new Set(stuck?.resources.map(({ name }) => `r/${name}`));
  const want = NAMES.map((name) => `r/${name}`).filter((name) => !held.has(name));
  assert.ok(held.size > 0);
  assert.deepEqual([...names(later)].sort(), want.sort());
  session.settle("Cluster", stuck?.nonce ?? "");
  assert.deepEqual([...names(all(session, session.dueAt))].sort(), [...held].sort());
});
