/**
 * The incremental protocol by its letter, over a real connection.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { AdsClient } from "../../src/testing/ads.ts";
import { waitFor } from "../harness/wait.ts";
import { startMesh } from "./ads-fixture.ts";
import { byName, cluster, endpoints } from "./world.ts";

const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

async function scene(t: TestContext) {
  const mesh = await startMesh(t);
  mesh.scopes.write({
    Cluster: byName(cluster("a"), cluster("b")),
    ClusterLoadAssignment: byName(endpoints("a", 1), endpoints("b", 2)),
  });
  const client = new AdsClient({ port: mesh.port });
  t.after(() => client.close());
  /** What was answered since the last call, as `type +sent -removed`, when there is so much of it. */
  const news = async (count: number): Promise<readonly string[]> => {
    await waitFor(soon(`${count} answers`), () => client.answers.length >= count);
    return client.answers.splice(0).map(({ type, resources, removed }) => {
      const names = resources.map(({ name }) => `+${name}`).sort();
      return [type, ...names, ...removed.map((name) => `-${name}`).sort()].join(" ");
    });
  };
  /** Answers come in order, so what is not before the answer to this was not sent. */
  const nothingBut = async (expected: readonly string[]): Promise<void> => {
    client.say("Listener", { resourceNamesSubscribe: ["none"] });
    assert.deepEqual(await news(expected.length + 1), [...expected, "Listener -none"]);
  };
  return { mesh, client, news, nothingBut };
}

test("a name that does not exist is said not to, and sent when it does", async (t) => {
  const { mesh, client, news } = await scene(t);
  client.subscribe("ClusterLoadAssignment", ["a", "c"]);
  assert.deepEqual(await news(2), ["ClusterLoadAssignment +a", "ClusterLoadAssignment -c"]);
  mesh.scopes.write({ ClusterLoadAssignment: byName(endpoints("c", 3)) });
  assert.deepEqual(await news(1), ["ClusterLoadAssignment +c"]);
});

test("who asks again for a name is told again; who gives it up is told no more", async (t) => {
  const { mesh, client, news, nothingBut } = await scene(t);
  client.subscribe("ClusterLoadAssignment", ["a", "b"]);
  await news(1);
  client.subscribe("ClusterLoadAssignment", ["a"]);
  assert.deepEqual(await news(1), ["ClusterLoadAssignment +a"]);
  const both = { resourceNamesSubscribe: ["b"], resourceNamesUnsubscribe: ["b", "a"] };
  client.say("ClusterLoadAssignment", both);
  await nothingBut(["ClusterLoadAssignment +b"]);
  mesh.scopes.write({ ClusterLoadAssignment: byName(endpoints("a", 5)) });
  await nothingBut([]);
});

test("everything may be asked for by its name or by naming nothing, and be given up", async (t) => {
  for (const names of [[], ["*"]]) {
    const { mesh, client, news, nothingBut } = await scene(t);
    client.subscribe("Cluster", names);
    assert.deepEqual(await news(1), ["Cluster +a +b"]);
    client.subscribe("Cluster", ["b"]);
    assert.deepEqual(await news(1), ["Cluster +b"]);
    client.unsubscribe("Cluster", ["*"]);
    await nothingBut([]);
    mesh.scopes.write({
      Cluster: byName(
        cluster("a", { connectTimeout: "2s" }),
        cluster("b", { connectTimeout: "2s" }),
      ),
    });
    assert.deepEqual(await news(1), ["Cluster +b"]);
    client.unsubscribe("Cluster", ["b"]);
    await nothingBut([]);
    mesh.scopes.write({ Cluster: byName(cluster("b", { connectTimeout: "3s" })) });
    await nothingBut([]);
  }
});

test("a name given up that everything still covers is sent again", async (t) => {
  const { client, news } = await scene(t);
  client.subscribe("Cluster", ["*", "a"]);
  assert.deepEqual(await news(1), ["Cluster +a +b"]);
  client.unsubscribe("Cluster", ["a"]);
  assert.deepEqual(await news(1), ["Cluster +a"]);
});

test("a nonce that nobody gave says nothing, and a type that nobody serves harms nothing", async (t) => {
  const { client, news, nothingBut } = await scene(t);
  client.subscribe("Cluster", ["a"]);
  await news(1);
  client.say("Cluster", { responseNonce: "never" });
  client.say("Cluster", { responseNonce: "never", errorDetail: { code: 13, message: "no" } });
  client.say("VirtualHost", { responseNonce: "before any" });
  await nothingBut([]);
});

test("what a client brings along is not sent again, and what has gone is taken from it", async (t) => {
  const first = await scene(t);
  first.client.subscribe("Cluster");
  await first.news(1);
  const versions = first.client.versions("Cluster");
  const again = new AdsClient({ port: first.mesh.port });
  t.after(() => again.close());
  again.subscribe("Cluster", [], { ...versions, b: "older", gone: "1" });
  await waitFor(soon("news of b"), () => again.held("Cluster").has("b"));
  assert.equal(again.held("Cluster").has("a"), false);
  await waitFor(soon("end of what has gone"), () =>
    again.answers.some(({ removed }) => removed.includes("gone")),
  );
});

test("an empty answer says that there is nothing, and keeps the client from waiting", async (t) => {
  const mesh = await startMesh(t);
  const client = new AdsClient({ port: mesh.port });
  t.after(() => client.close());
  client.subscribe("Cluster");
  client.subscribe("Listener");
  await waitFor(soon("both answers"), () => client.answers.length === 2);
  assert.deepEqual(
    client.answers.map(({ type, resources, removed }) => [type, resources, removed]),
    [
      ["Cluster", [], []],
      ["Listener", [], []],
    ],
  );
});
