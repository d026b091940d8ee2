import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { unframed } from "../../proto/frame.ts";
import {
  type DiscoveryRequest,
  DiscoveryResponse,
} from "../../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { TYPE_URLS } from "../../proto/type-url.ts";
// Registers the codecs of all that may stand in an `Any`.
import "../../proto/types.ts";
import { register } from "../../proto/any.ts";
import { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../../proto/gen/envoy/config/route/v3/route.ts";
import { HandMadeScopes } from "../../testing/scopes.ts";
import { encode } from "../../xds/encode.ts";
import type { EncodedResource, ResourceType } from "../../xds/resource.ts";
import { Session } from "../session.ts";
import { AdsStream } from "../stream.ts";
import { SotwCall } from "./call.ts";

register({
  "envoy.config.cluster.v3.Cluster": Cluster,
  "envoy.config.endpoint.v3.ClusterLoadAssignment": ClusterLoadAssignment,
  "envoy.config.listener.v3.Listener": Listener,
  "envoy.config.route.v3.RouteConfiguration": RouteConfiguration,
});

interface Said {
  readonly type: ResourceType;
  readonly names: readonly string[];
  readonly nonce: string;
  readonly version: string;
}

/** A client that answers when the test says so. */
class Client extends EventEmitter {
  readonly said: Said[] = [];

  write(frame: Buffer, written: () => void): boolean {
    const {
      typeUrl = "",
      nonce = "",
      versionInfo: version = "",
      resources = [],
    } = DiscoveryResponse.decode(unframed(frame));
    const type = typeUrl.split(".").at(-1) as ResourceType;
    const names = resources.map((one) => String(one["name"] ?? one["clusterName"]));
    this.said.push({ type, names, nonce, version });
    written();
    return true;
  }

  end(): void {}

  ask(type: ResourceType, names: readonly string[] = [], more: DiscoveryRequest = {}): void {
    this.emit("data", { typeUrl: TYPE_URLS[type], resourceNames: [...names], ...more });
  }

  /** What was said since the last call, as `type names`. */
  news(): readonly string[] {
    return this.said.splice(0).map(({ type, names }) => `${type} ${names.join(",")}`);
  }
}

const one = (type: ResourceType, name: string, clusters: readonly string[] = []) =>
  encode(type, {
    name,
    body: type === "ClusterLoadAssignment" ? { clusterName: name } : { name },
    clusters,
  });
const changed = (name: string): EncodedResource =>
  encode("Cluster", { name, body: { name, altStatName: "changed" }, clusters: [] });

function scene() {
  const scopes = new HandMadeScopes();
  const client = new Client();
  const call = new SotwCall(client);
  const of = (type: ResourceType) => scopes.of(type);
  const session = new Session({ of, names: () => false, pending: () => false }, call.frames);
  const nothing = (): void => {};
  const events = { onRequest: nothing, onSent: nothing, onVerdict: nothing, onClose: nothing };
  const stream = new AdsStream(call, session, events);
  const write = (
    type: ResourceType,
    edits: Readonly<Record<string, EncodedResource | undefined>>,
  ): void => {
    scopes.write({ [type]: edits });
    stream.push();
  };
  /** The client repeats its names with the newest nonce of the type. */
  const answer = (type: ResourceType, names: readonly string[] = [], error?: string): void => {
    const responseNonce = call.frames.newest(type);
    const errorDetail = error === undefined ? {} : { errorDetail: { code: 13, message: error } };
    client.ask(type, names, { responseNonce, ...errorDetail });
  };
  return { client, write, answer, stream };
}

test("who names no cluster gets all of them, each time anew; what is missing is gone", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a"), b: one("Cluster", "b") });
  client.ask("Cluster");
  assert.deepEqual(client.news(), ["Cluster a,b"]);
  answer("Cluster");
  write("Cluster", { c: one("Cluster", "c") });
  assert.deepEqual(client.news(), ["Cluster a,b,c"]);
  answer("Cluster");
  write("Cluster", { a: undefined });
  assert.deepEqual(client.news(), ["Cluster b,c"]);
  answer("Cluster");
  assert.deepEqual(client.news(), []);
});

test("a client that asks for everything is answered even if there is nothing", () => {
  const { client } = scene();
  client.ask("Cluster");
  client.ask("Listener");
  assert.deepEqual(client.news(), ["Cluster ", "Listener "]);
});

test("while a response is unanswered, changes gather for the next", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a") });
  client.ask("Cluster");
  client.news();
  write("Cluster", { b: one("Cluster", "b") });
  write("Cluster", { c: one("Cluster", "c") });
  assert.deepEqual(client.news(), []);
  answer("Cluster");
  assert.deepEqual(client.news(), ["Cluster a,b,c"]);
});

test("named listeners: all that are asked for each time, and none other", () => {
  const { client, write, answer } = scene();
  write("Listener", { x: one("Listener", "x"), y: one("Listener", "y"), z: one("Listener", "z") });
  client.ask("Listener", ["x"]);
  assert.deepEqual(client.news(), ["Listener x"]);
  answer("Listener", ["x", "y"]);
  assert.deepEqual(client.news(), ["Listener x,y"]);
  answer("Listener", ["y"]);
  assert.deepEqual(client.news(), []);
  write("Listener", { y: undefined });
  assert.deepEqual(client.news(), ["Listener "]);
  answer("Listener", ["y", "none"]);
  assert.deepEqual(client.news(), ["Listener "]);
});

test("endpoints: what changed, by name; that one is gone cannot be said", () => {
  const { client, write, answer } = scene();
  const endpoints = (name: string) => one("ClusterLoadAssignment", name);
  write("ClusterLoadAssignment", { a: endpoints("a"), b: endpoints("b") });
  client.ask("ClusterLoadAssignment");
  assert.deepEqual(client.news(), []);
  client.ask("ClusterLoadAssignment", ["a", "none"]);
  assert.deepEqual(client.news(), ["ClusterLoadAssignment a"]);
  answer("ClusterLoadAssignment", ["a", "b", "none"]);
  assert.deepEqual(client.news(), ["ClusterLoadAssignment b"]);
  answer("ClusterLoadAssignment", ["a", "b", "none"]);
  write("ClusterLoadAssignment", { a: undefined });
  assert.deepEqual(client.news(), []);
  write("ClusterLoadAssignment", { none: endpoints("none") });
  assert.deepEqual(client.news(), ["ClusterLoadAssignment none"]);
});

test("an answer to an older response is passed over", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a") });
  client.ask("Cluster");
  const [first] = client.said;
  answer("Cluster");
  write("Cluster", { b: one("Cluster", "b") });
  client.news();
  client.ask("Cluster", ["a"], { responseNonce: first?.nonce ?? "" });
  client.ask("Cluster", ["a"]);
  write("Cluster", { c: one("Cluster", "c") });
  assert.deepEqual(client.news(), []);
  answer("Cluster");
  assert.deepEqual(client.news(), ["Cluster a,b,c"]);
});

test("what was rejected is tried alone beside what the client has", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a"), b: one("Cluster", "b") });
  client.ask("Cluster");
  answer("Cluster");
  client.news();
  write("Cluster", { a: changed("a"), c: one("Cluster", "c") });
  assert.deepEqual(client.news(), ["Cluster a,b,c"]);
  answer("Cluster", [], "a is bad");
  // "a" as it was before would have been in it, too: the names alone do not tell.
  assert.deepEqual(client.news(), ["Cluster a,b"]);
  answer("Cluster", [], "a is bad");
  assert.deepEqual(client.news(), ["Cluster a,b,c"]);
  answer("Cluster");
});

test("versions follow the content", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a") });
  client.ask("Cluster");
  answer("Cluster");
  write("Cluster", { b: one("Cluster", "b") });
  answer("Cluster");
  write("Cluster", { b: undefined });
  const [first, second, third] = client.said.map(({ version }) => version);
  assert.equal(first, third);
  assert.notEqual(first, second);
});

test("from everything to names, and to everything again by its name", () => {
  const { client, write, answer } = scene();
  write("Cluster", { a: one("Cluster", "a"), b: one("Cluster", "b") });
  client.ask("Cluster");
  client.news();
  answer("Cluster", ["a"]);
  assert.deepEqual(client.news(), ["Cluster a"]);
  answer("Cluster", ["a"]);
  write("Cluster", { b: changed("b") });
  assert.deepEqual(client.news(), []);
  answer("Cluster", ["*"]);
  assert.deepEqual(client.news().at(-1), "Cluster a,b");
  answer("Cluster", ["*"]);
  // Whoever has named something and now names nothing, wants nothing.
  answer("Cluster", []);
  write("Cluster", { c: one("Cluster", "c") });
  assert.deepEqual(client.news(), []);
});

test("a listener waits for the clusters that it names", () => {
  const { client, write, answer } = scene();
  client.ask("Cluster");
  client.ask("Listener");
  answer("Cluster");
  answer("Listener");
  client.news();
  write("Cluster", { a: one("Cluster", "a") });
  write("Listener", { l: one("Listener", "l", ["a"]) });
  assert.deepEqual(client.news(), ["Cluster a"]);
  answer("Cluster");
  assert.deepEqual(client.news(), ["Listener l"]);
});
