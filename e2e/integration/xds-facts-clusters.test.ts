/** What stock Envoy does with clusters, endpoints and secrets that come by ADS. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { ask } from "./ads-fixture.ts";
import { type RealEnvoy, startEnvoy } from "./real-envoy.ts";
import { ScriptedServer } from "./scripted-server.ts";
import { cluster, endpoints, host, listener, routes } from "./world.ts";

const DEADLINE_MS = 10_000;

interface Scene {
  readonly server: ScriptedServer;
  readonly envoy: RealEnvoy;
}

/** Envoy with one warm cluster `a`. */
async function scene(t: TestContext): Promise<Scene> {
  const server = await ScriptedServer.start(t);
  const envoy = await startEnvoy({ adsPort: server.port });
  t.after(() => envoy.stop());
  await server.asksFor("Cluster");
  const nonce = server.send("Cluster", [cluster("a")]);
  await server.asksFor("ClusterLoadAssignment", "a");
  server.send("ClusterLoadAssignment", [endpoints("a", 1)]);
  assert.equal(await server.verdict(nonce), undefined);
  return { server, envoy };
}

const warming = (envoy: RealEnvoy, name: string): Promise<boolean> =>
  waitFor(
    { description: `warming cluster ${name}`, deadlineMs: DEADLINE_MS, intervalMs: 10 },
    async () => (await envoy.clusters("warming")).includes(name),
  );

test("listeners are asked for when the clusters are warm", async (t) => {
  const server = await ScriptedServer.start(t);
  const envoy = await startEnvoy({ adsPort: server.port });
  t.after(() => envoy.stop());
  await server.asksFor("Cluster");
  server.send("Cluster", [cluster("a")]);
  await server.asksFor("ClusterLoadAssignment", "a");
  assert.equal(
    server.heard.some(({ type }) => type === "Listener"),
    false,
  );
  server.send("ClusterLoadAssignment", [endpoints("a", 1)]);
  await server.asksFor("Listener");
});

test("a changed cluster stays warming, unaccepted, until its endpoints are sent again", async (t) => {
  const { server, envoy } = await scene(t);
  const nonce = server.send("Cluster", [cluster("a", { connectTimeout: "2s" })]);
  await warming(envoy, "a");
  assert.equal(server.hasAnswered(nonce), false);
  const asked = server.heard.filter(
    ({ type, nonce: n }) => type === "ClusterLoadAssignment" && n === "",
  );
  assert.equal(asked.length, 1, "Envoy does not ask again");
  server.send("ClusterLoadAssignment", [endpoints("a", 1)]);
  assert.equal(await server.verdict(nonce), undefined);
  assert.deepEqual(await envoy.clusters("warming"), []);
});

test("a cluster keeps its endpoints, though they are gone, until one with others by another name is warm", async (t) => {
  const { server, envoy } = await scene(t);
  const nonce = server.send("Cluster", [cluster("a", { assignment: "~a" })]);
  await server.asksFor("ClusterLoadAssignment", "~a");
  const gone = server.send("ClusterLoadAssignment", [], ["a"]);
  assert.equal(await server.verdict(gone), undefined);
  assert.equal(server.hasAnswered(nonce), false);
  assert.match(await envoy.admin("/clusters"), /^a::127\.0\.0\.1:1::/m);
  server.send("ClusterLoadAssignment", [endpoints("~a", 2)]);
  assert.equal(await server.verdict(nonce), undefined);
  await waitFor(
    { description: "endpoints of the new cluster", deadlineMs: DEADLINE_MS, intervalMs: 10 },
    async () => /^a::127\.0\.0\.1:2::/m.test(await envoy.admin("/clusters")),
  );
  await server.hears(
    "that it wants the old ones no more",
    ({ type, unsubscribe }) => type === "ClusterLoadAssignment" && unsubscribe.includes("a"),
  );
});

test("a cluster is accepted only when its secret has come, too", async (t) => {
  const { server, envoy } = await scene(t);
  const nonce = server.send("Cluster", [cluster("b", { secret: "default" })]);
  await server.asksFor("ClusterLoadAssignment", "b");
  const eds = server.send("ClusterLoadAssignment", [endpoints("b", 1)]);
  assert.equal(await server.verdict(eds), undefined);
  await server.asksFor("Secret", "default");
  await warming(envoy, "b");
  assert.equal(server.hasAnswered(nonce), false);
});

test("a route to a cluster that is still warming answers 503", async (t) => {
  const { server, envoy } = await scene(t);
  const port = await freePort();
  server.send("Cluster", [cluster("b")]);
  await server.asksFor("ClusterLoadAssignment", "b");
  await warming(envoy, "b");
  await server.asksFor("Listener");
  server.send("Listener", [listener("l", port, "r")]);
  await server.asksFor("RouteConfiguration", "r");
  server.send("RouteConfiguration", [routes("r")]);
  await server.asksFor("VirtualHost");
  const nonce = server.send("VirtualHost", [host("r", "b", { cluster: "b" })]);
  assert.equal(await server.verdict(nonce), undefined);
  assert.equal(await ask(port, "b"), "503");
});

test("one cluster that breaks a constraint spoils its whole response", async (t) => {
  const { server, envoy } = await scene(t);
  const nonce = server.send("Cluster", [cluster("b"), cluster("bad", { connectTimeout: "0s" })]);
  assert.match((await server.verdict(nonce)) ?? "", /bad/);
  assert.deepEqual(await envoy.clusters("warming"), []);
  assert.deepEqual(await envoy.clusters(), ["a"]);
});

test("what Envoy has is what it reports when it comes back", async (t) => {
  const { server } = await scene(t);
  server.disconnect();
  const again = await server.hears(
    "a second stream",
    ({ stream, type }) => stream === 2 && type === "ClusterLoadAssignment",
  );
  assert.deepEqual(again.subscribe, ["a"]);
  assert.deepEqual(again.versions, { a: endpoints("a", 1).version });
});

test("a proxy that comes back says nothing of its clusters until they are warm", async (t) => {
  const { server } = await scene(t);
  server.send("Cluster", [cluster("b")]);
  await server.asksFor("ClusterLoadAssignment", "b");
  server.disconnect();
  const isSecond = (type: string) => (heard: { readonly stream: number; readonly type: string }) =>
    heard.stream === 2 && heard.type === type;
  const again = await server.hears(
    "endpoints on a second stream",
    isSecond("ClusterLoadAssignment"),
  );
  assert.deepEqual(again.subscribe.toSorted(), ["a", "b"]);
  await server.hears("listeners on a second stream", isSecond("Listener"));
  assert.equal(server.heard.some(isSecond("Cluster")), false);
  server.send("ClusterLoadAssignment", [endpoints("b", 1)]);
  const clusters = await server.hears("clusters on a second stream", isSecond("Cluster"));
  assert.deepEqual(Object.keys(clusters.versions).sort(), ["a", "b"]);
});
