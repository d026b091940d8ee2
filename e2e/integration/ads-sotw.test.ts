/** A stock Envoy whose bootstrap says `api_type: GRPC`: state of the world, with routes inline. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { EncodedResource } from "../../src/xds/resource.ts";
import { HttpClient } from "../harness/http.ts";
import { startLoad } from "../harness/load.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { ask, startMesh } from "./ads-fixture.ts";
import { byName, cluster, endpoints, host, listener, routes, virtualHost } from "./world.ts";

const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

const answers = (port: number, domain: string, text: string): Promise<boolean> =>
  waitFor(soon(`"${text}" from ${domain}`), async () => (await ask(port, domain)) === text);

async function backend(t: TestContext, name: string): Promise<EncodedResource> {
  const server = createServer((_, response) => response.end(name));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  t.after(() => server.close());
  return endpoints(name, (server.address() as AddressInfo).port);
}

test("a proxy gets its first configuration, a change, and a removal", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Cluster: byName(cluster("a"), cluster("b")),
    ClusterLoadAssignment: byName(endpoints("a", 1), await backend(t, "b")),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(
      host("r", "one", { text: "1" }),
      host("r", "two", { text: "2" }),
      host("r", "three", { cluster: "b" }),
    ),
  });
  const envoy = await mesh.envoy({ api: "GRPC" });
  await answers(port, "one", "1");
  assert.equal(await ask(port, "two"), "2");
  assert.equal(await ask(port, "three"), "b");

  mesh.scopes.write({ VirtualHost: byName(host("r", "one", { text: "changed" })) });
  await answers(port, "one", "changed");
  mesh.scopes.write({ VirtualHost: { "r/two:80": undefined } });
  await answers(port, "two", "404");
  assert.equal(await ask(port, "one"), "changed");

  mesh.scopes.write({ Cluster: byName(cluster("b", { connectTimeout: "2s" })) });
  await waitFor(soon("changed cluster"), async () =>
    (await envoy.admin("/config_dump?resource=dynamic_active_clusters")).includes('"2s"'),
  );
  assert.equal(await ask(port, "three"), "b");
  mesh.scopes.write({ Cluster: { a: undefined }, ClusterLoadAssignment: { a: undefined } });
  await waitFor(soon("end of cluster a"), async () => (await envoy.clusters()).join() === "b");
  mesh.scopes.write({ Listener: { l: undefined } });
  await waitFor(soon("end of the listener"), async () => (await envoy.listeners()).length === 0);
  assert.deepEqual(mesh.rejections, []);
});

test("a proxy that comes back has what changed meanwhile", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Cluster: byName(cluster("a"), cluster("b")),
    ClusterLoadAssignment: byName(endpoints("a", 1), endpoints("b", 1)),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "one", { text: "1" })),
  });
  const envoy = await mesh.envoy({ api: "GRPC" });
  await answers(port, "one", "1");
  await mesh.server.drain(0);
  mesh.scopes.write({
    Cluster: { b: undefined },
    VirtualHost: byName(host("r", "one", { text: "later" })),
  });
  await mesh.restart();
  await answers(port, "one", "later");
  await waitFor(soon("end of cluster b"), async () => (await envoy.clusters()).join() === "a");
});

test("clusters are renamed with the routes that use them, under load, and no request fails", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  const names = ["v1", "v2"] as const;
  const sets = await Promise.all(names.map((name) => backend(t, name)));
  mesh.scopes.write({
    Cluster: byName(cluster("v1")),
    ClusterLoadAssignment: byName(...sets.slice(0, 1)),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "h", { cluster: "v1" })),
  });
  await mesh.envoy({ api: "GRPC" });
  await answers(port, "h", "v1");
  const client = new HttpClient({ host: "127.0.0.1", port }, { host: "h" });
  const load = startLoad({ client, request: { path: "/" }, concurrency: 4, pauseMs: 0 });
  t.after(async () => {
    await load.stop();
    client.close();
  });
  for (let turn = 1; turn <= 10; turn++) {
    const [to, from] = turn % 2 === 0 ? names : [names[1], names[0]];
    mesh.scopes.write({
      Cluster: { ...byName(cluster(to)), [from]: undefined },
      ClusterLoadAssignment: { [to]: sets.find(({ name }) => name === to), [from]: undefined },
      VirtualHost: byName(host("r", "h", { cluster: to })),
    });
    await answers(port, "h", to);
  }
  await waitFor(soon("hundred requests"), () => load.records.length > 100);
  const failed = (await load.stop()).filter(({ status }) => status !== 200);
  assert.deepEqual(failed, []);
  assert.deepEqual(mesh.rejections, []);
});

test("of several listeners the bad one is found and named, and the rest gets through", async (t) => {
  const mesh = await startMesh(t);
  const [port, other] = [await freePort(), await freePort()];
  mesh.scopes.write({
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r"), routes("s")),
    VirtualHost: byName(host("r", "a", { text: "r" }), host("s", "a", { text: "s" })),
  });
  await mesh.envoy({ api: "GRPC" });
  await answers(port, "a", "r");
  mesh.scopes.write({
    Listener: byName(listener("bad", 70_000, "r"), listener("m", other, "s")),
  });
  await answers(other, "a", "s");
  await waitFor(soon("culprit"), () =>
    mesh.rejections.some(({ resources }) => resources.length === 1),
  );
  assert.equal(mesh.rejections.at(-1)?.resources[0]?.name, "bad");
  assert.equal(await ask(port, "a"), "r");

  const regex = { match: { safeRegex: { regex: "((" } }, directResponse: { status: 200 } };
  mesh.scopes.write({
    VirtualHost: byName(virtualHost("r", { domains: ["bad"], routes: [regex] }, "bad")),
  });
  await waitFor(soon("rejected routes"), () =>
    mesh.rejections.some(({ type }) => type === "RouteConfiguration"),
  );
  assert.equal(await ask(port, "a"), "r");
  mesh.scopes.write({ VirtualHost: byName(host("s", "a", { text: "still served" })) });
  await answers(other, "a", "still served");
});
