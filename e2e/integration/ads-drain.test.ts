/** How a server that stops parts from its proxies. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { AdsClient } from "../../src/testing/ads.ts";
import { waitFor } from "../harness/wait.ts";
import { startMesh } from "./ads-fixture.ts";
import { byName, cluster } from "./world.ts";

const CLIENTS = 10;
const DRAIN_MS = 1_000;
const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

function connect(t: TestContext, port: number): AdsClient {
  const client = new AdsClient({ port });
  t.after(() => client.close());
  client.subscribe("Cluster");
  return client;
}

test("proxies are sent away one by one, and nobody new is taken in meanwhile", async (t) => {
  const mesh = await startMesh(t);
  mesh.scopes.write({ Cluster: byName(cluster("a")) });
  const clients = Array.from({ length: CLIENTS }, () => connect(t, mesh.port));
  await waitFor(soon("clusters for all"), () =>
    clients.every((client) => client.held("Cluster").has("a")),
  );
  const start = performance.now();
  const ends = clients.map(async ({ ended }) => {
    assert.equal((await ended).code, status.OK);
    return performance.now() - start;
  });
  const drained = mesh.server.drain(DRAIN_MS);
  const late = connect(t, mesh.port);
  assert.equal((await late.ended).code, status.UNAVAILABLE);
  const times = (await Promise.all(ends)).sort((a, b) => a - b);
  await drained;
  // A stall of this process brings some ends together, but not most of them.
  const apart = times.filter((ms, i) => i > 0 && ms - (times[i - 1] ?? 0) > DRAIN_MS / CLIENTS / 2);
  assert.ok(apart.length >= 3, `they left after ${times.map(Math.round).join(", ")} ms`);
});

test("Envoy moves to the next server as soon as it is sent away", async (t) => {
  const mesh = await startMesh(t);
  mesh.scopes.write({ Cluster: byName(cluster("a")) });
  const envoy = await mesh.envoy();
  await waitFor(soon("connection"), () => mesh.server.connections.size === 1);
  const before = mesh.server;
  const restarted = mesh.restart({ drainMs: DRAIN_MS });
  await restarted;
  assert.notEqual(mesh.server, before);
  await waitFor(soon("connection to the next"), () => mesh.server.connections.size === 1);
  assert.equal(before.connections.size, 0);
  assert.match(await envoy.admin("/ready"), /LIVE|INIT/);
});
