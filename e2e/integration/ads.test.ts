import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { ask, startMesh } from "./ads-fixture.ts";
import { byName, cluster, endpoints, host, listener, routes, virtualHost } from "./world.ts";

const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

const answers = (port: number, domain: string, text: string): Promise<boolean> =>
  waitFor(soon(`"${text}" from ${domain}`), async () => (await ask(port, domain)) === text);

test("a proxy gets its first configuration, a change, and a removal", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Cluster: byName(cluster("a")),
    ClusterLoadAssignment: byName(endpoints("a", 1)),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "one", { text: "1" }), host("r", "two", { text: "2" })),
  });
  const envoy = await mesh.envoy();
  await answers(port, "one", "1");
  assert.deepEqual(await envoy.clusters(), ["a"]);
  assert.equal(await ask(port, "two"), "2");

  mesh.scopes.write({ VirtualHost: byName(host("r", "one", { text: "changed" })) });
  await answers(port, "one", "changed");
  mesh.scopes.write({ VirtualHost: { "r/two:80": undefined } });
  await answers(port, "two", "404");
  assert.equal(await ask(port, "one"), "changed");

  // A changed cluster is warm at once: its endpoints follow it unasked.
  mesh.scopes.write({ Cluster: byName(cluster("a", { connectTimeout: "2s" })) });
  await waitFor(soon("changed cluster"), async () =>
    (await envoy.admin("/config_dump?resource=dynamic_active_clusters")).includes('"2s"'),
  );
  mesh.scopes.write({ Cluster: { a: undefined }, ClusterLoadAssignment: { a: undefined } });
  await waitFor(soon("end of cluster a"), async () => (await envoy.clusters()).length === 0);
  assert.deepEqual(mesh.rejections, []);
});

test("a mesh with nothing in it leaves no proxy waiting", async (t) => {
  const mesh = await startMesh(t);
  const envoy = await mesh.envoy();
  await waitFor(soon("ready proxy"), async () => (await envoy.admin("/ready")).includes("LIVE"));
});

test("a listener that goes and comes back gets its routes and hosts again", async (t) => {
  const mesh = await startMesh(t);
  const [port, other] = [await freePort(), await freePort()];
  const here = listener("l", port, "r");
  mesh.scopes.write({
    Listener: byName(here, listener("m", other, "s")),
    RouteConfiguration: byName(routes("r"), routes("s")),
    VirtualHost: byName(host("r", "a", { text: "r" }), host("s", "a", { text: "s" })),
  });
  const envoy = await mesh.envoy();
  await answers(port, "a", "r");
  await answers(other, "a", "s");
  mesh.scopes.write({ Listener: { l: undefined } });
  await waitFor(soon("end of listener l"), async () => !(await envoy.listeners()).includes("l"));
  mesh.scopes.write({ VirtualHost: byName(host("r", "a", { text: "again" })) });
  mesh.scopes.write({ Listener: byName(here) });
  await answers(port, "a", "again");
  assert.equal(await ask(other, "a"), "s");
});

test("a proxy that comes back gets only what changed meanwhile", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Cluster: byName(cluster("a"), cluster("b")),
    ClusterLoadAssignment: byName(endpoints("a", 1), endpoints("b", 1)),
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "one", { text: "1" }), host("r", "two", { text: "2" })),
  });
  const envoy = await mesh.envoy();
  await answers(port, "two", "2");
  const updates = async (): Promise<readonly number[]> =>
    Promise.all(
      ["cluster_manager.cds", "listener_manager.lds", "http.l.rds.r"].map((one) =>
        envoy.stat(`${one}.update_success`),
      ),
    );
  const before = await updates();
  await mesh.restart();
  mesh.scopes.write({ VirtualHost: byName(host("r", "two", { text: "two" })) });
  await answers(port, "two", "two");
  assert.equal(await ask(port, "one"), "1");
  assert.deepEqual(await updates(), before);

  // What changed and what went while nobody served is caught up with.
  await mesh.server.drain(0);
  mesh.scopes.write({
    Cluster: { ...byName(cluster("a", { connectTimeout: "2s" })), b: undefined },
    VirtualHost: { "r/one:80": undefined },
  });
  await mesh.restart();
  await answers(port, "one", "404");
  await waitFor(soon("end of cluster b"), async () => (await envoy.clusters()).join() === "a");
  await waitFor(soon("changed cluster"), async () =>
    (await envoy.admin("/config_dump?resource=dynamic_active_clusters")).includes('"2s"'),
  );
});

test("what a proxy rejects is found and named, and the rest gets through", async (t) => {
  const mesh = await startMesh(t);
  const port = await freePort();
  mesh.scopes.write({
    Listener: byName(listener("l", port, "r")),
    RouteConfiguration: byName(routes("r")),
    VirtualHost: byName(host("r", "a", { text: "old" })),
  });
  await mesh.envoy();
  await answers(port, "a", "old");
  const regex = { match: { safeRegex: { regex: "((" } }, directResponse: { status: 200 } };
  const bad = virtualHost("r", { domains: ["bad"], routes: [regex] }, "bad");
  mesh.scopes.write({
    VirtualHost: byName(host("r", "a", { text: "new" }), bad, host("r", "b", { text: "b" })),
  });
  await answers(port, "a", "new");
  await answers(port, "b", "b");
  const culprits = await waitFor(soon("rejection of one host"), () => {
    const alone = mesh.rejections.filter(({ resources }) => resources.length === 1);
    return alone.length > 0 && alone;
  });
  assert.deepEqual([...new Set(culprits.map(({ resources }) => resources[0]?.name))], [bad.name]);
  assert.match(culprits[0]?.message ?? "", /missing \)/);
  const refused = (): readonly string[] => [...mesh.server.refusals()].map(({ name }) => name);
  assert.deepEqual(refused(), [bad.name]);

  mesh.scopes.write({ VirtualHost: byName(host("r", "bad", { text: "mended" })) });
  await answers(port, "bad", "mended");
  assert.deepEqual(refused(), []);
});
