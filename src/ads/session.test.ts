import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SimulatedEnvoy } from "../testing/envoy.ts";
import { HandMadeScopes } from "../testing/scopes.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";
import { GRACE_MS } from "./delivery.ts";
import { Frames } from "./frames.ts";
import { isNamed } from "./references.ts";
import { type Outgoing, Session } from "./session.ts";

const CLUSTERS = ["a", "b", "c"];
const ROUTES = ["r", "s"];
const HOSTS = ROUTES.flatMap((route) => [`${route}/x:80`, `${route}/y:80`]);
const BAD = "bad";

const made = (
  name: string,
  version: string,
  clusters: readonly string[] = [],
): EncodedResource => ({
  name,
  version,
  bytes: new Uint8Array(20_000),
  clusters,
});

/** One proxy, its session, and messages that wait on the wire in both directions. */
class Scene {
  readonly scopes = new HandMadeScopes();
  readonly envoy = new SimulatedEnvoy(({ version }) => version.startsWith(BAD));
  /** Sent and not arrived. */
  wire: Outgoing[] = [];
  now = 0;
  /** As of the last refresh. */
  #clusters: ReadonlyMap<string, EncodedResource> = new Map();
  #session = this.#connect();

  constructor() {
    this.scopes.write({
      Listener: Object.fromEntries(ROUTES.map((name) => [name, made(name, "1")])),
      RouteConfiguration: Object.fromEntries(ROUTES.map((name) => [name, made(name, "1")])),
    });
  }

  /** One request reaches the server, or one response the proxy. */
  step(direction: "up" | "down"): void {
    if (direction === "down") {
      const response = this.wire.shift();
      if (response !== undefined) this.envoy.receive(response);
      return;
    }
    const request = this.envoy.requests.shift();
    if (request === undefined) return;
    const { type, nonce, error } = request;
    if (nonce !== undefined) this.#session.settle(type, nonce, error);
    else this.#session.subscribe(type, request);
  }

  /** The server sends all it may. */
  send(): void {
    this.#session.refresh();
    this.#clusters = this.set("Cluster");
    this.pump();
  }

  /** The same, before it has looked whether there is something new. */
  pump(): void {
    for (;;) {
      const response = this.#session.next(this.now);
      if (response === undefined) return;
      this.#check(response);
      this.wire.push(response);
    }
  }

  reconnect(): void {
    this.wire = [];
    this.#session = this.#connect();
    this.envoy.reconnect();
  }

  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      this.send();
      if (this.wire.length + this.envoy.requests.length === 0) return;
      this.step("down");
      this.step("up");
    }
    assert.fail("server and proxy talk for ever");
  }

  set(type: ResourceType): ReadonlyMap<string, EncodedResource> {
    return this.scopes.of(type).resources;
  }

  #connect(): Session {
    const source = {
      of: (type: ResourceType) => this.scopes.of(type),
      names: (cluster: string) => isNamed(this.scopes, cluster),
      pending: () => false,
    };
    return new Session(source, new Frames());
  }

  /** The gate: nothing leads to a cluster that is coming but not there, nothing loses its cluster. */
  #check({ type, resources, removed }: Outgoing): void {
    if (this.now > 0) return;
    if (type === "Cluster") for (const cluster of removed) this.#checkUnused(cluster);
    else if (type !== "ClusterLoadAssignment")
      for (const resource of resources)
        for (const cluster of resource.clusters) this.#checkWarm(resource, cluster);
  }

  #checkUnused(cluster: string): void {
    const users = this.#mayStillHave().filter(({ clusters }) => clusters.includes(cluster));
    assert.deepEqual(users, [], `cluster ${cluster} is taken from under its users`);
  }

  #checkWarm({ name }: EncodedResource, cluster: string): void {
    const route = name.slice(0, name.lastIndexOf("/"));
    if (!this.envoy.routes.has(route)) return;
    const isThere = this.envoy.usable.has(cluster) || !this.#clusters.has(cluster);
    const wasNamed = this.#mayStillHave().some(
      (one) => one.name === name && one.clusters.includes(cluster),
    );
    assert.ok(isThere || wasNamed, `${name} leads to ${cluster}, which is not warm`);
  }

  /** Hosts at the proxy, and on their way to it; those of a route that it has dropped are neither. */
  #mayStillHave(): readonly EncodedResource[] {
    const under = this.wire.flatMap(({ type, resources }) =>
      type === "VirtualHost" ? resources : [],
    );
    const all = [...this.envoy.hosts.values(), ...under];
    return all.filter(({ name }) => this.envoy.routes.has(name.slice(0, name.lastIndexOf("/"))));
  }
}

const STEPS = ["up", "down", "send", "pump"] as const;
const version = fc.constantFrom("1", "2", "3");
const edit = fc.oneof(
  fc.record({
    kind: fc.constant("cluster" as const),
    name: fc.constantFrom(...CLUSTERS),
    version: fc.option(version, { nil: undefined }),
    mutual: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("host" as const),
    name: fc.constantFrom(...HOSTS),
    version: fc.option(version, { nil: undefined }),
    clusters: fc.uniqueArray(fc.constantFrom(...CLUSTERS), { maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant("listener" as const),
    name: fc.constantFrom(...ROUTES),
    version: fc.option(version, { nil: undefined }),
  }),
);
const event = fc.oneof(
  { weight: 8, arbitrary: edit },
  { weight: 8, arbitrary: fc.constantFrom(...STEPS) },
  { weight: 3, arbitrary: fc.constant("settle" as const) },
  { weight: 1, arbitrary: fc.constant("reconnect" as const) },
);
const events = (maxLength: number) => fc.array(event, { maxLength, size: "max" });
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function write(scene: Scene, one: Edit): void {
  const { name, version: v } = one;
  if (one.kind === "cluster") {
    const [assignment, other] = one.mutual ? [`~${name}`, name] : [name, `~${name}`];
    scene.scopes.write({
      // Of another kind it is another body.
      Cluster: { [name]: v && { ...made(name, `${v} ${one.mutual}`), assignment } },
      ClusterLoadAssignment: {
        [assignment]: v && made(assignment, v, [name]),
        [other]: undefined,
      },
    });
  } else if (one.kind === "host") {
    // Another set of clusters is another version, as it is another body.
    const next = v && made(name, `${v} ${one.clusters.join()}`, one.clusters);
    scene.scopes.write({ VirtualHost: { [name]: next } });
  } else scene.scopes.write({ Listener: { [name]: v && made(name, v) } });
}

function run(scene: Scene, all: readonly Event[]): void {
  for (const one of all) {
    if (one === "send") scene.send();
    else if (one === "pump") scene.pump();
    else if (one === "reconnect") scene.reconnect();
    else if (one === "settle") scene.settle();
    else if (typeof one === "string") scene.step(one);
    else write(scene, one);
  }
}

const versions = (all: Iterable<readonly [string, EncodedResource]>): readonly string[] =>
  [...all].map(([name, resource]) => `${name}@${resource.version}`).sort();

function isServed(scene: Scene): void {
  const { envoy } = scene;
  assert.deepEqual([...envoy.usable].sort(), [...scene.set("Cluster").keys()].sort());
  assert.deepEqual([...envoy.warming], []);
  assert.deepEqual(versions(envoy.listeners), versions(scene.set("Listener")));
  const routed = [...scene.set("VirtualHost")].filter(([name]) =>
    scene.set("Listener").has(name.slice(0, name.lastIndexOf("/"))),
  );
  assert.deepEqual(versions(envoy.hosts), versions(routed));
}

test("however edits, messages and reconnects fall, no traffic is led astray, and all arrives in the end", () => {
  fc.assert(
    fc.property(events(80), (all) => {
      const scene = new Scene();
      run(scene, all);
      scene.settle();
      // What names a cluster that does not exist goes out when its grace is over.
      for (let i = 0; i < 3; i++) {
        scene.now += GRACE_MS;
        scene.settle();
      }
      isServed(scene);
    }),
    { numRuns: 500 },
  );
});

test("a cluster whose route is about to move stays until it has moved", () => {
  const scene = new Scene();
  const [, , , host = ""] = HOSTS;
  scene.scopes.write({
    Cluster: { a: made("a", "1") },
    ClusterLoadAssignment: { a: made("a", "1") },
  });
  scene.scopes.write({ VirtualHost: { [host]: made(host, "a", ["a"]) } });
  scene.settle();
  const renamed = { a: undefined, b: made("b", "1") };
  scene.scopes.write({ Cluster: renamed, ClusterLoadAssignment: renamed });
  scene.send();
  scene.scopes.write({ VirtualHost: { [host]: made(host, "b", ["b"]) } });
  while (scene.wire.length + scene.envoy.requests.length > 0) {
    scene.step("down");
    scene.step("up");
    scene.pump();
  }
  assert.deepEqual([...scene.envoy.usable].sort(), ["a", "b"]);
  scene.settle();
  assert.deepEqual([...scene.envoy.usable], ["b"]);
});

test("a route moves to a new cluster when that has endpoints, and not before", () => {
  const scene = new Scene();
  const [, , , name = ""] = HOSTS;
  const moved = made(name, "b", ["b"]);
  const nobody = { b: { ...made("b", "1"), isEmpty: true } };
  scene.scopes.write({
    Cluster: { a: made("a", "1") },
    ClusterLoadAssignment: { a: made("a", "1") },
  });
  scene.scopes.write({ VirtualHost: { [name]: made(name, "a", ["a"]) } });
  scene.settle();
  scene.scopes.write({ Cluster: { b: made("b", "1") }, ClusterLoadAssignment: nobody });
  scene.scopes.write({ VirtualHost: { [name]: moved } });
  scene.settle();
  assert.deepEqual(scene.envoy.hosts.get(name)?.clusters, ["a"]);
  scene.scopes.write({ ClusterLoadAssignment: { b: made("b", "2") } });
  scene.settle();
  assert.deepEqual(scene.envoy.hosts.get(name)?.clusters, ["b"]);
});

test("a proxy that has everything is sent nothing, also when it comes back", () => {
  fc.assert(
    fc.property(events(40), (all) => {
      const scene = new Scene();
      run(scene, all);
      scene.settle();
      for (let i = 0; i < 3; i++) {
        scene.now += GRACE_MS;
        scene.settle();
      }
      scene.reconnect();
      for (let i = 0; i < 10; i++) scene.step("up");
      scene.send();
      const sent = scene.wire.flatMap(({ resources }) => resources.map(({ name }) => name));
      assert.deepEqual(sent, []);
    }),
    { numRuns: 200 },
  );
});

test("what a proxy rejects holds nothing else up, and goes through once it is mended", () => {
  const spoil = fc.constantFrom(...HOSTS);
  fc.assert(
    fc.property(events(40), spoil, events(20), (before, name, after) => {
      const scene = new Scene();
      run(scene, before);
      scene.scopes.write({ VirtualHost: { [name]: made(name, BAD) } });
      run(scene, after);
      scene.settle();
      for (let i = 0; i < 3; i++) {
        scene.now += GRACE_MS;
        scene.settle();
      }
      const isBad = scene.set("VirtualHost").get(name)?.version === BAD;
      if (isBad) scene.envoy.hosts.delete(name);
      if (isBad) scene.scopes.write({ VirtualHost: { [name]: undefined } });
      scene.settle();
      isServed(scene);
      scene.scopes.write({ VirtualHost: { [name]: made(name, "mended") } });
      scene.settle();
      isServed(scene);
    }),
    { numRuns: 200 },
  );
});

test("a cluster keeps its endpoints until it has given way to one with endpoints of another kind", () => {
  const scene = new Scene();
  scene.scopes.write({
    Cluster: { a: { ...made("a", "plain"), assignment: "80" } },
    ClusterLoadAssignment: { "80": made("80", "1", ["a"]) },
  });
  scene.settle();
  scene.scopes.write({
    Cluster: { a: { ...made("a", "mutual"), assignment: "~80" } },
    ClusterLoadAssignment: { "80": undefined, "~80": made("~80", "1", ["a"]) },
  });
  const sent: Outgoing[] = [];
  for (let round = 0; round < 10; round++) {
    scene.send();
    sent.push(...scene.wire);
    scene.step("down");
    scene.step("up");
  }
  assert.deepEqual([...scene.envoy.warming], []);
  assert.deepEqual(
    [...new Set(sent)].map(({ type, resources, removed }) => [
      type,
      resources.map(({ name }) => name),
      removed,
    ]),
    [
      ["Cluster", ["a"], []],
      ["ClusterLoadAssignment", ["~80"], []],
    ],
  );
});

test("traffic moves to a cluster that gets its first endpoints when those are there", () => {
  const scene = new Scene();
  scene.scopes.write({
    Cluster: {
      a: { ...made("a", "1"), assignment: "~a" },
      b: { ...made("b", "1"), assignment: "b" },
    },
    ClusterLoadAssignment: {
      "~a": made("~a", "1", ["a"]),
      b: { ...made("b", "1", ["b"]), isEmpty: true },
    },
    VirtualHost: { "r/x:80": made("r/x:80", "1", ["a"]) },
  });
  scene.settle();
  scene.scopes.write({
    Cluster: { b: { ...made("b", "2"), assignment: "~b" } },
    ClusterLoadAssignment: { b: undefined, "~b": made("~b", "1", ["b"]) },
    VirtualHost: { "r/x:80": made("r/x:80", "2", ["b"]) },
  });
  const sent: string[] = [];
  for (let round = 0; round < 10; round++) {
    const before = scene.wire.length;
    scene.send();
    for (const { type } of scene.wire.slice(before)) sent.push(type);
    scene.step("down");
    scene.step("up");
  }
  assert.deepEqual(sent, ["Cluster", "ClusterLoadAssignment", "VirtualHost"]);
});
