import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLocality } from "../api/locality.ts";
import type { Endpoint } from "../model/ir/service.ts";
import { arranged, type Nearness, nearnessOf } from "./locality.ts";
import type { ProxyView } from "./view.ts";

const endpoint = (place: string, more: Partial<Endpoint> = {}): Endpoint => ({
  address: `at ${place}`,
  port: 8080,
  portName: "http",
  labels: {},
  tls: false,
  health: "healthy",
  locality: parseLocality(place),
  ...more,
});

const at = (locality: string, more: Partial<ProxyView> = {}): ProxyView => ({
  kind: "sidecar",
  namespace: "default",
  workload: "default/web",
  serviceAccount: "web",
  labels: {},
  locality,
  ...more,
});

/** Whoever reads where it is fails the test. */
const nobody = new Proxy(at(""), {
  get: (_, field) => assert.fail(`reads ${String(field)} of its client`),
});

const shown = (
  endpoints: readonly Endpoint[],
  policy: Nearness["policy"],
  client: ProxyView,
): readonly string[] =>
  arranged(endpoints, { policy, failover: true }, client).map(
    ({ locality: { region, zone }, priority, weight }) => `${priority} ${region}/${zone} ${weight}`,
  );

test("nearer places come first, and no priority is left out", () => {
  const all = ["west/a/r1", "west/a/r2", "west/b", "east/a", "north/a"].map((p) => endpoint(p));
  assert.deepEqual(shown(all, {}, at("west/a/r1")), [
    "0 west/a 1",
    "1 west/a 1",
    "2 west/b 1",
    "3 east/a 1",
    "3 north/a 1",
  ]);
  const standIn = { failover: [{ from: "south", to: "north" }] };
  assert.deepEqual(shown(all, standIn, at("south/a")), [
    "0 north/a 1",
    "1 east/a 1",
    "1 west/a 1",
    "1 west/a 1",
    "1 west/b 1",
  ]);
});

test("a share is divided among its places by their endpoints, the most exact place first", () => {
  const all = ["west/a", "west/a", "west/b", "east/a"].map((p) => endpoint(p));
  const distribute = [
    { from: "north", to: { "*": 100 } },
    { from: "west/*", to: { "*": 10, west: 30, "west/b": 60 } },
  ];
  assert.deepEqual(shown(all, { distribute }, at("west/a")), [
    "0 east/a 10000",
    "0 west/a 30000",
    "0 west/b 60000",
  ]);
  assert.deepEqual(
    shown(all, { distribute: [{ from: "west", to: { east: 100 } }] }, at("west/a")),
    ["0 east/a 100000"],
  );
});

test("labels are compared in their order, the client's own or those that are asked for", () => {
  const all = [
    endpoint("west/a", { labels: { version: "v1" }, node: "n1" }),
    endpoint("west/b", { labels: { version: "v2" }, node: "n2" }),
    endpoint("east/a", { labels: { version: "v1" }, node: "n3" }),
  ];
  const priority = (...failoverPriority: readonly string[]) =>
    shown(all, { failoverPriority }, at("east/a", { labels: { version: "v2" }, node: "n1" }));
  assert.deepEqual(priority("version"), ["0 west/b 1", "1 east/a 1", "1 west/a 1"]);
  assert.deepEqual(priority("version=v1", "topology.kubernetes.io/region"), [
    "0 east/a 1",
    "1 west/a 1",
    "2 west/b 1",
  ]);
  assert.deepEqual(priority("kubernetes.io/hostname"), ["0 west/a 1", "1 east/a 1", "1 west/b 1"]);
  assert.deepEqual(priority("topology.istio.io/network", "topology.kubernetes.io/zone"), [
    "0 east/a 1",
    "0 west/a 1",
    "1 west/b 1",
  ]);
});

test("a rule says where requests go, else the service, else the mesh", () => {
  const rule = { balancing: { locality: { enabled: true, failoverPriority: ["a"] } }, outlier: {} };
  const mesh = { localityLbSetting: { enabled: true, failoverPriority: ["m"] } };
  const first = (...of: Parameters<typeof nearnessOf>) => {
    const nearness = nearnessOf(...of);
    return nearness && [nearness.policy.failoverPriority?.[0], nearness.failover];
  };
  assert.deepEqual(first(rule, { prefers: "node" }, mesh), ["a", true]);
  assert.deepEqual(first({}, { prefers: "zone" }, mesh), ["topology.istio.io/network", true]);
  assert.deepEqual(first({}, {}, mesh), ["m", false]);
  assert.deepEqual(first({ outlier: {} }, {}, {}), [undefined, true]);
  assert.equal(first({ balancing: { locality: { enabled: false } } }, {}, mesh), undefined);
  assert.equal(first({}, {}, { localityLbSetting: { enabled: false } }), undefined);
});

test("where a client is counts only if endpoints differ in it", () => {
  const near = [endpoint("west/a"), endpoint("west/a")];
  assert.deepEqual(shown(near, {}, nobody), ["0 west/a 2"]);
  assert.deepEqual(shown(near, { failoverPriority: ["topology.kubernetes.io/zone"] }, nobody), [
    "0 west/a 2",
  ]);
  const apart = [endpoint("west/a"), endpoint("west/b")];
  assert.deepEqual(
    arranged(apart, { policy: {}, failover: false }, nobody).map(({ priority }) => priority),
    [0, 0],
  );
});

test("a label of priority that nobody has tells nobody apart, whatever its name", () => {
  const policy = { failoverPriority: ["constructor"] };
  assert.deepEqual(shown([endpoint("west/a"), endpoint("east/b")], policy, nobody), [
    "0 east/b 1",
    "0 west/a 1",
  ]);
});
