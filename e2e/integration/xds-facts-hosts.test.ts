/** What stock Envoy does with virtual hosts that come as resources (VHDS over ADS). */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { ask } from "./ads-fixture.ts";
import { type RealEnvoy, startEnvoy } from "./real-envoy.ts";
import { ScriptedServer } from "./scripted-server.ts";
import { host, listener, routes, virtualHost } from "./world.ts";

const DEADLINE_MS = 10_000;
const SENTINEL = host("r", "sentinel.invalid", { text: "" });

interface Scene {
  readonly server: ScriptedServer;
  readonly envoy: RealEnvoy;
  readonly port: number;
}

/** Envoy with one listener whose route configuration `route` takes its hosts by VHDS. */
async function scene(
  t: TestContext,
  route = "r",
  inline: Parameters<typeof routes>[1] = [],
): Promise<Scene> {
  const server = await ScriptedServer.start(t);
  const [envoy, port] = await Promise.all([startEnvoy({ adsPort: server.port }), freePort()]);
  t.after(() => envoy.stop());
  await server.asksFor("Cluster");
  server.send("Cluster", []);
  await server.asksFor("Listener");
  server.send("Listener", [listener("l", port, route)]);
  await server.asksFor("RouteConfiguration", route);
  server.send("RouteConfiguration", [routes(route, inline)]);
  await server.asksFor("VirtualHost");
  return { server, envoy, port };
}

async function accepted(server: ScriptedServer, nonce: string): Promise<void> {
  assert.equal(await server.verdict(nonce), undefined);
}

const answers = (port: number, domain: string, text: string): Promise<boolean> =>
  waitFor(
    { description: `"${text}" from ${domain}`, deadlineMs: DEADLINE_MS, intervalMs: 10 },
    async () => (await ask(port, domain)) === text,
  );

test("a host is removed only if its own name is the resource's name", async (t) => {
  const { server, port } = await scene(t);
  const misnamed = virtualHost("r", { name: "other", domains: ["b"], routes: [says("b")] }, "b");
  await accepted(server, server.send("VirtualHost", [host("r", "a", { text: "a" }), misnamed]));
  await answers(port, "b", "b");

  await accepted(server, server.send("VirtualHost", [], ["r/a:80", "r/b:80"]));
  await answers(port, "a", "404");
  assert.equal(await ask(port, "b"), "b", "removed, accepted, and served all the same");
});

test("virtual hosts are asked for once per stream; those of a later route go out unasked", async (t) => {
  const { server, port } = await scene(t);
  const later = await freePort();
  await accepted(server, server.send("VirtualHost", [SENTINEL]));
  server.send("Listener", [listener("m", later, "s")]);
  await server.asksFor("RouteConfiguration", "s");
  server.send("RouteConfiguration", [routes("s")]);
  await accepted(server, server.send("VirtualHost", [host("s", "a", { text: "s" })]));
  await answers(later, "a", "s");
  assert.equal(await ask(port, "a"), "404");
  const asked = server.heard.filter(({ type, nonce }) => type === "VirtualHost" && nonce === "");
  assert.equal(asked.length, 1);
});

test("listener, route and hosts may be sent back to back, before anybody asks", async (t) => {
  const { server } = await scene(t);
  const later = await freePort();
  await accepted(server, server.send("VirtualHost", [SENTINEL]));
  server.send("Listener", [listener("m", later, "s")]);
  server.send("RouteConfiguration", [routes("s")]);
  await accepted(server, server.send("VirtualHost", [host("s", "a", { text: "s" })]));
  await answers(later, "a", "s");
});

test("hosts sent before their route are accepted, dropped, and reported as if they were there", async (t) => {
  const { server, envoy } = await scene(t);
  const later = await freePort();
  await accepted(server, server.send("VirtualHost", [SENTINEL, host("s", "a", { text: "s" })]));
  server.send("Listener", [listener("m", later, "s")]);
  await server.asksFor("RouteConfiguration", "s");
  await accepted(server, server.send("RouteConfiguration", [routes("s")]));
  assert.deepEqual(await envoy.listeners("warming"), ["m"]);

  server.disconnect();
  const again = await server.hears(
    "VirtualHost on a second stream",
    ({ stream, type }) => stream === 2 && type === "VirtualHost",
  );
  assert.ok("s/a:80" in again.versions);
  await accepted(server, server.send("VirtualHost", [host("s", "a", { text: "s" })]));
  await answers(later, "a", "s");
});

test("a listener that comes back waits until the hosts of its route are sent again", async (t) => {
  const { server, envoy, port } = await scene(t);
  const hosts = [host("r", "a", { text: "a" })];
  await accepted(server, server.send("VirtualHost", hosts));
  await answers(port, "a", "a");
  server.send("Listener", [], ["l"]);
  await server.hears("end of the route's subscription", ({ unsubscribe }) =>
    unsubscribe.includes("r"),
  );

  server.send("Listener", [listener("l", port, "r")]);
  await server.hears(
    "second request for the route",
    ({ type, subscribe }) =>
      type === "RouteConfiguration" &&
      subscribe.includes("r") &&
      server.heard.some((one) => one.unsubscribe.includes("r")),
  );
  await accepted(server, server.send("RouteConfiguration", [routes("r")]));
  assert.deepEqual(await envoy.listeners("warming"), ["l"]);
  await accepted(server, server.send("VirtualHost", hosts));
  await answers(port, "a", "a");
});

test("Envoy forgets the hosts of a route it has dropped only if it is told that they are removed", async (t) => {
  const { server, port } = await scene(t);
  const later = await freePort();
  await accepted(server, server.send("VirtualHost", [SENTINEL]));
  server.send("Listener", [listener("m", later, "s")]);
  server.send("RouteConfiguration", [routes("s")]);
  await accepted(
    server,
    server.send("VirtualHost", [host("s", "a", { text: "s" }), host("s", "b", { text: "s" })]),
  );
  await answers(later, "a", "s");
  server.send("Listener", [], ["m"]);
  await server.hears("end of the route's subscription", ({ unsubscribe }) =>
    unsubscribe.includes("s"),
  );
  await accepted(server, server.send("VirtualHost", [], ["s/a:80"]));

  server.disconnect();
  const again = await server.hears(
    "VirtualHost on a second stream",
    ({ stream, type }) => stream === 2 && type === "VirtualHost",
  );
  assert.deepEqual(Object.keys(again.versions).sort(), [SENTINEL.name, "s/b:80"]);
  assert.equal(await ask(port, "a"), "404");
});

test("a first answer without a host leaves the listener warming; inline hosts do not help, one host does", async (t) => {
  const { server, envoy, port } = await scene(t, "r", [
    { name: "inline", domains: ["inline"], routes: [says("inline")] },
  ]);
  await accepted(server, server.send("VirtualHost", []));
  assert.deepEqual(await envoy.listeners("warming"), ["l"]);
  await accepted(server, server.send("VirtualHost", [SENTINEL]));
  await answers(port, "inline", "inline");
});

test("one bad host spoils its whole response; what was there goes on serving", async (t) => {
  const { server, port } = await scene(t);
  await accepted(server, server.send("VirtualHost", [host("r", "a", { text: "old" })]));
  await answers(port, "a", "old");
  const badRegex = virtualHost(
    "r",
    {
      domains: ["c"],
      routes: [{ match: { safeRegex: { regex: "((" } }, directResponse: { status: 200 } }],
    },
    "c",
  );
  const nonce = server.send("VirtualHost", [
    host("r", "a", { text: "new" }),
    host("r", "b", { text: "b" }),
    badRegex,
  ]);
  assert.match((await server.verdict(nonce)) ?? "", /missing \)/);
  assert.equal(await ask(port, "a"), "old");
  assert.equal(await ask(port, "b"), "404");

  await accepted(server, server.send("VirtualHost", [host("r", "a", { text: "new" })]));
  await answers(port, "a", "new");
});

test("a domain that two hosts claim is refused by name, a second catch-all too", async (t) => {
  const { server } = await scene(t);
  await accepted(
    server,
    server.send("VirtualHost", [host("r", "a", { text: "a" }), host("r", "*", { text: "*" })]),
  );
  const thief = virtualHost("r", { domains: ["a"], routes: [says("thief")] }, "thief");
  const error = (await server.verdict(server.send("VirtualHost", [thief]))) ?? "";
  assert.match(error, /\ba\b/);
  assert.match(error, /\br\b/);
  const second = virtualHost("r", { domains: ["*"], routes: [says("second")] }, "second");
  assert.match((await server.verdict(server.send("VirtualHost", [second]))) ?? "", /wildcard/);
});

test("domains move and swap within one message; wildcards and an inline catch-all work", async (t) => {
  const inline = [{ name: "inline", domains: ["*"], routes: [says("inline")] }];
  const { server, port } = await scene(t, "a/b", inline);
  const claim = (name: string, ...domains: string[]) =>
    virtualHost("a/b", { domains, routes: [says(name)] }, name);
  await accepted(
    server,
    server.send("VirtualHost", [claim("x", "one", "*.wild"), claim("y", "two")]),
  );
  await answers(port, "one", "x");
  assert.equal(await ask(port, "any.wild"), "x");
  assert.equal(await ask(port, "nobody"), "inline");

  await accepted(server, server.send("VirtualHost", [claim("x", "two"), claim("y", "one")]));
  await answers(port, "one", "y");
  assert.equal(await ask(port, "two"), "x");
  await accepted(server, server.send("VirtualHost", [claim("z", "one")], ["a/b/y:80"]));
  await answers(port, "one", "z");
});

test("hosts survive changes of their route and of their listener in place", async (t) => {
  const { server, port } = await scene(t);
  await accepted(server, server.send("VirtualHost", [host("r", "a", { text: "a" })]));
  await answers(port, "a", "a");
  const inline = [{ name: "inline", domains: ["inline"], routes: [says("inline")] }];
  await accepted(server, server.send("RouteConfiguration", [routes("r", inline)]));
  await answers(port, "inline", "inline");
  assert.equal(await ask(port, "a"), "a");
  await accepted(server, server.send("Listener", [listener("l", port, "r", "renamed")]));
  await answers(port, "a", "a");
});

function says(inlineString: string) {
  return { match: { prefix: "/" }, directResponse: { status: 200, body: { inlineString } } };
}
