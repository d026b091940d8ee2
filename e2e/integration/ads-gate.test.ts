/** No window of 503: routes and clusters change under load, in any order, and no request fails. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { EncodedResource } from "../../src/xds/resource.ts";
import { HttpClient } from "../harness/http.ts";
import { type RunningLoad, startLoad } from "../harness/load.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { ask, type Mesh, startMesh } from "./ads-fixture.ts";
import type { RealEnvoy } from "./real-envoy.ts";
import { byName, cluster, endpoints, host, listener, routes } from "./world.ts";

const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

interface Scene {
  readonly mesh: Mesh;
  readonly envoy: RealEnvoy;
  readonly load: RunningLoad;
  /** Answers with its name, behind a cluster of that name. */
  backend(name: string): Promise<EncodedResource>;
  routedTo(name: string): Promise<void>;
}

async function backend(t: TestContext, name: string): Promise<EncodedResource> {
  const server = createServer((_, response) => response.end(name));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  t.after(() => server.close());
  return endpoints(name, (server.address() as AddressInfo).port);
}

/** Requests run against host `h`, which is routed to cluster `v1`. */
async function scene(t: TestContext): Promise<Scene> {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Cluster: byName(cluster("v1")),
    ClusterLoadAssignment: byName(await backend(t, "v1")),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "h", { cluster: "v1" })),
  });
  const envoy = await mesh.envoy();
  const routedTo = async (name: string): Promise<void> => {
    await waitFor(soon(`answer of ${name}`), async () => (await ask(port, "h")) === name);
  };
  await routedTo("v1");
  const client = new HttpClient({ host: "127.0.0.1", port }, { host: "h" });
  const load = startLoad({ client, request: { path: "/" }, concurrency: 4, pauseMs: 0 });
  t.after(async () => {
    await load.stop();
    client.close();
  });
  return { mesh, envoy, load, backend: (name) => backend(t, name), routedTo };
}

async function noneFailed({ load, mesh }: Scene): Promise<void> {
  await waitFor(soon("hundred requests"), () => load.records.length > 100);
  const records = await load.stop();
  assert.deepEqual(
    records.filter(({ status }) => status !== 200).map(({ status, error }) => error ?? status),
    [],
  );
  assert.deepEqual(mesh.rejections, []);
}

for (const order of ["in one batch", "route first", "cluster first"] as const) {
  test(`a route moves to a new cluster, ${order}`, async (t) => {
    const at = await scene(t);
    const { mesh } = at;
    const toV2 = { VirtualHost: byName(host("r", "h", { cluster: "v2" })) };
    const v2 = {
      Cluster: { ...byName(cluster("v2")), v1: undefined },
      ClusterLoadAssignment: { ...byName(await at.backend("v2")), v1: undefined },
    };
    if (order === "in one batch") mesh.scopes.write({ ...toV2, ...v2 });
    else {
      mesh.scopes.write(order === "route first" ? toV2 : v2);
      // The other half comes when traffic has met the first.
      const seen = at.load.records.length;
      await waitFor(soon("further requests"), () => at.load.records.length > seen + 20);
      mesh.scopes.write(order === "route first" ? v2 : toV2);
    }
    await at.routedTo("v2");
    await waitFor(soon("end of v1"), async () => (await at.envoy.clusters()).join() === "v2");
    await noneFailed(at);
  });
}

test("clusters are renamed back and forth with the routes that use them", async (t) => {
  const at = await scene(t);
  const names = ["v1", "v2"] as const;
  const sets = await Promise.all(names.map((name) => at.backend(name)));
  for (let turn = 1; turn <= 20; turn++) {
    const [to, from] = turn % 2 === 0 ? names : [names[1], names[0]];
    const next = sets.find(({ name }) => name === to);
    at.mesh.scopes.write({
      Cluster: { ...byName(cluster(to)), [from]: undefined },
      ClusterLoadAssignment: { [to]: next, [from]: undefined },
      VirtualHost: byName(host("r", "h", { cluster: to })),
    });
    await at.routedTo(to);
  }
  await noneFailed(at);
});

test("a proxy that reconnects in the middle of a change loses nothing", async (t) => {
  const at = await scene(t);
  const { mesh } = at;
  await mesh.server.drain(0);
  mesh.scopes.write({
    Cluster: { ...byName(cluster("v2")), v1: undefined },
    ClusterLoadAssignment: { ...byName(await at.backend("v2")), v1: undefined },
    VirtualHost: byName(host("r", "h", { cluster: "v2" })),
  });
  await mesh.restart();
  await at.routedTo("v2");
  await waitFor(soon("end of v1"), async () => (await at.envoy.clusters()).join() === "v2");
  await noneFailed(at);
});
