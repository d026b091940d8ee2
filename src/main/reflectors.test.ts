import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { KINDS } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import type { Client } from "../kube/client.ts";
import { ApiError } from "../kube/error.ts";
import { silent } from "../util/log.ts";
import { Cache, partOf, Reflectors } from "./reflectors.ts";

const object = (namespace: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace, name },
});

test("two watches of one kind feed one whole: a list of one leaves the other's alone", () => {
  const whole = new Cache<KubeObject, string>(({ metadata }) => metadata.name);
  const [left, right] = [partOf(whole), partOf(whole)];
  left.replace([object("a", "one"), object("a", "two")]);
  right.replace([object("b", "three")]);
  left.replace([object("a", "two")]);
  right.remove("a/two");
  assert.deepEqual([...whole.values.keys()].sort(), ["a/two", "b/three"]);
  left.remove("a/two");
  right.replace([]);
  assert.equal(whole.values.size, 0);
});

for (const { title, refusal, isSynced } of [
  { title: "is gone", refusal: 404, isSynced: true },
  { title: "may not be read", refusal: 403, isSynced: true },
  { title: "cannot be read now", refusal: 500, isSynced: false },
])
  test(`a gateway's namespace that ${title} holds up the others: ${!isSynced}`, async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const client = {
      async page() {
        resolve();
        throw new ApiError("list Secret", { status: refusal, reason: "", message: "no" });
      },
    } as unknown as Client;
    const stop = new AbortController();
    const reflectors = new Reflectors(client, silent, stop.signal);
    const sink = new Cache<KubeObject, string>(({ metadata }) => metadata.name);
    reflectors.start(KINDS.secret, sink, { namespace: "edge", mayBeRefused: true });
    const synced = reflectors.synced().then(
      () => true,
      () => false,
    );
    await asked;
    await setImmediate();
    stop.abort();
    await reflectors.done();
    assert.equal(await synced, isSynced);
  });
