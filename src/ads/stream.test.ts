import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { decodeDelta } from "../proto/delta.ts";
import { unframed } from "../proto/frame.ts";
import type { DeltaDiscoveryRequest } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import { HandMadeScopes } from "../testing/scopes.ts";
import { encode } from "../xds/encode.ts";
import type { ResourceType } from "../xds/resource.ts";
import { Frames } from "./frames.ts";
import { Session } from "./session.ts";
import { AdsStream } from "./stream.ts";
import { Turns } from "./turns.ts";

/** A connection that takes messages only when the test says so. */
class SlowCall extends EventEmitter {
  readonly written: string[][] = [];
  readonly #callbacks: (() => void)[] = [];
  isEnded = false;

  write(frame: Buffer, written: () => void): boolean {
    this.written.push(decodeDelta(unframed(frame)).resources.map(({ name }) => name));
    this.#callbacks.push(written);
    return false;
  }

  end(): void {
    this.isEnded = true;
  }

  drain(): void {
    for (const callback of this.#callbacks.splice(0)) callback();
  }
}

const cluster = (name: string, size = 0) =>
  encode("Cluster", {
    name,
    body: { name, altStatName: "x".repeat(size) },
    clusters: [],
  });

function scene({ scopes = new HandMadeScopes(), turns = new Turns() } = {}) {
  const call = new SlowCall();
  const of = (type: ResourceType) => scopes.of(type);
  const session = new Session({ of, names: () => false, pending: () => false }, new Frames());
  let closed = 0;
  const events = {
    onRequest: () => {},
    onSent: () => {},
    onVerdict: () => {},
    onClose: () => {
      closed += 1;
    },
  };
  const stream = new AdsStream(call, session, events, { turns });
  const ask = (request: DeltaDiscoveryRequest): void => void call.emit("data", request);
  return { scopes, call, stream, ask, closings: () => closed };
}

test("a client that does not read is handed two messages, and later the newest of the rest", () => {
  const { scopes, call, stream, ask } = scene();
  scopes.write({
    Cluster: Object.fromEntries(["a", "b", "c", "d"].map((n) => [n, cluster(n, 60_000)])),
  });
  ask({ typeUrl: TYPE_URLS.Cluster });
  assert.deepEqual(call.written, [["a"], ["b"]]);
  for (let i = 0; i < 100; i++) {
    scopes.write({ Cluster: { c: cluster("c", 60_000 + i) } });
    stream.push();
  }
  scopes.write({ Cluster: { d: undefined, e: cluster("e") } });
  stream.push();
  assert.equal(call.written.length, 2, "nothing is queued");
  call.drain();
  assert.deepEqual(call.written.slice(2).flat().sort(), ["c", "e"]);
});

test("a first configuration waits for its turn, a change does not", (t) => {
  t.mock.timers.enable({ apis: ["setImmediate"] });
  const shared = { scopes: new HandMadeScopes(), turns: new Turns({ limit: 1 }) };
  const [first, second, third] = [scene(shared), scene(shared), scene(shared)];
  const names = ["a", "b", "c"];
  shared.scopes.write({
    Cluster: Object.fromEntries(names.map((n) => [n, cluster(n, 60_000)])),
  });
  first.ask({ typeUrl: TYPE_URLS.Cluster });
  first.call.drain();
  first.call.drain();
  assert.deepEqual(first.call.written.flat(), names);
  second.ask({ typeUrl: TYPE_URLS.Cluster });
  third.ask({ typeUrl: TYPE_URLS.Cluster });
  shared.scopes.write({ Cluster: { a: cluster("a", 1) } });
  for (const { stream } of [first, second, third]) stream.push();
  assert.deepEqual(first.call.written.slice(3), [["a"]]);
  assert.deepEqual(second.call.written, [["a"], ["b"]]);
  assert.deepEqual(third.call.written, []);
  third.call.emit("close");
  second.call.emit("close");
  const fourth = scene(shared);
  fourth.ask({ typeUrl: TYPE_URLS.Cluster });
  assert.equal(fourth.call.written.length, 2, "who left gave its turn back");
});

test("a request of an unknown type is passed over; the stream ends when the client ends it", () => {
  const { call, ask, closings } = scene();
  ask({ typeUrl: "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration" });
  assert.deepEqual(call.written, []);
  call.emit("end");
  assert.ok(call.isEnded);
  call.emit("close");
  call.emit("cancelled");
  assert.equal(closings(), 1);
});
