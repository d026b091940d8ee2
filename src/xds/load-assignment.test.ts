import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../model/ir/service.ts";
import { loadAssignment, type Viewpoint } from "./load-assignment.ts";
import type { ProxyView } from "./view.ts";

const NORTH = { region: "earth", zone: "north" };
const SOUTH = { region: "earth", zone: "south" };

const client: ProxyView = {
  kind: "sidecar",
  namespace: "default",
  workload: "default/web",
  serviceAccount: "web",
  labels: {},
};
const HERE = { nearness: undefined, minHealthPercent: undefined, client };

const endpoint = (address: string, more: Partial<Endpoint> = {}): Endpoint => ({
  address,
  port: 8080,
  portName: "http",
  labels: {},
  tls: false,
  health: "healthy",
  locality: NORTH,
  ...more,
});

const addresses = (
  endpoints: readonly Endpoint[],
  labels: Readonly<Record<string, string>> = {},
): readonly string[] =>
  (loadAssignment({ name: "c", portName: "http", labels }, endpoints, HERE).endpoints ?? []).map(
    ({ locality, lbEndpoints = [] }) =>
      `${locality?.zone}: ${lbEndpoints
        .map(({ endpoint: e, healthStatus }) =>
          [e?.address?.socketAddress?.address, healthStatus].filter(Boolean).join(" "),
        )
        .join(", ")}`,
  );

test("endpoints of the port, by locality, whatever their order", () => {
  const all = [
    endpoint("10.0.0.3", { locality: SOUTH }),
    endpoint("10.0.0.2"),
    endpoint("10.0.0.1"),
    endpoint("10.0.0.4", { portName: "grpc" }),
  ];
  const want = ["north: 10.0.0.1, 10.0.0.2", "south: 10.0.0.3"];
  assert.deepEqual(addresses(all), want);
  assert.deepEqual(addresses(all.toReversed()), want);
});

test("a subset's endpoints carry all its labels", () => {
  const all = [
    endpoint("10.0.0.1", { labels: { version: "v1", tier: "gold" } }),
    endpoint("10.0.0.2", { labels: { version: "v1" } }),
  ];
  assert.deepEqual(addresses(all, { version: "v1", tier: "gold" }), ["north: 10.0.0.1"]);
});

test("endpoints that are going away serve only while there are no others", () => {
  const draining = endpoint("10.0.0.1", { health: "draining" });
  assert.deepEqual(addresses([draining, endpoint("10.0.0.2")]), [
    "north: 10.0.0.1 DRAINING, 10.0.0.2",
  ]);
  assert.deepEqual(addresses([draining]), ["north: 10.0.0.1"]);
});

test("endpoints that are going away are not listed where Envoy counts who is healthy", () => {
  const all = [
    endpoint("10.0.0.1", { health: "draining" }),
    endpoint("10.0.0.2"),
    endpoint("10.0.0.3", { locality: SOUTH }),
  ];
  const listed = (from: Omit<Viewpoint, "client">, endpoints = all) =>
    loadAssignment({ name: "c", portName: "http", labels: {} }, endpoints, {
      ...from,
      client: { ...client, locality: "earth/north" },
    }).endpoints?.map(({ lbEndpoints = [], priority = 0, loadBalancingWeight }) =>
      [priority, loadBalancingWeight, lbEndpoints.length].join(" "),
    );
  const failover = { nearness: { policy: {}, failover: true }, minHealthPercent: undefined };
  const distribute = [{ from: "earth/*", to: { "earth/north": 80, "earth/south": 20 } }];
  const shares = { nearness: { policy: { distribute }, failover: false } };
  assert.deepEqual(listed(failover), ["0 1 1", "1 1 1"]);
  assert.deepEqual(listed(failover, all.slice(0, 1)), ["0 1 1"]);
  assert.deepEqual(listed({ nearness: undefined, minHealthPercent: 50 }), ["0 1 1", "0 1 1"]);
  assert.deepEqual(listed({ ...shares, minHealthPercent: 0 }), ["0 80000 1", "0 20000 1"]);
  assert.deepEqual(listed({ nearness: undefined, minHealthPercent: 0 }), ["0 2 2", "0 1 1"]);
});

test("endpoints say that they take mutual TLS where others of the service do not", () => {
  const saying = (...all: readonly Endpoint[]): readonly boolean[] => sayingTo(HERE, all);
  const sayingTo = (from: Viewpoint, all: readonly Endpoint[]): readonly boolean[] => {
    const wanted = { name: "c", portName: "http", labels: {} };
    const { endpoints = [] } = loadAssignment(wanted, all, from);
    return endpoints.flatMap(({ lbEndpoints = [] }) =>
      lbEndpoints.map(({ metadata }) => metadata !== undefined),
    );
  };
  const mutual = endpoint("10.0.0.1", { tls: true });
  const plain = endpoint("10.0.0.2");
  assert.deepEqual(saying(mutual, plain), [true, false]);
  assert.deepEqual(saying(mutual, { ...plain, portName: "other" }), [true]);
  assert.deepEqual(saying(mutual), [false]);
  assert.deepEqual(saying(plain), [false]);
  const near = { ...HERE, nodeLocal: true, client: { ...client, node: "n1" } };
  assert.deepEqual(sayingTo(near, [{ ...mutual, node: "n1" }, plain]), [true], "out of reach");
});

/** Addresses that clients on a node are given. */
const givenOn = (node: string, nodeLocal: boolean, all: readonly Endpoint[]): readonly string[] => {
  const wanted = { name: "c", portName: "http", labels: {} };
  const from = { ...HERE, nodeLocal, client: { ...client, node } };
  const { endpoints = [] } = loadAssignment(wanted, all, from);
  return endpoints.flatMap(({ lbEndpoints = [] }) =>
    lbEndpoints.map(({ endpoint: e }) => e?.address?.socketAddress?.address ?? ""),
  );
};

test("of a service whose traffic stays on its node clients get that node's endpoints, or none", () => {
  const all = [
    endpoint("10.0.0.1", { node: "n1" }),
    endpoint("10.0.0.2", { node: "n2" }),
    endpoint("10.9.0.1"),
  ];
  assert.deepEqual(givenOn("n1", true, all), ["10.0.0.1"]);
  assert.deepEqual(givenOn("n3", true, all), []);
  assert.equal(givenOn("n3", false, all).length, 3);
});

test("on the client's own node those that are going away serve while the others are elsewhere", () => {
  const draining = endpoint("10.0.0.1", { node: "n1", health: "draining" });
  const all = [draining, endpoint("10.0.0.2", { node: "n2" })];
  assert.deepEqual(givenOn("n1", true, all), ["10.0.0.1"]);
});
