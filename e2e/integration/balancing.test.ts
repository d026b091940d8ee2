/** Which endpoint requests go to, by real Envoys: by hash, by place, and when endpoints fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "../harness/wait.ts";
import { backend, type Client, client, clientNetwork, meshOf, tally, VIP } from "./policy-world.ts";

const URL = `http://${VIP}/`;
/** Whoever refuses a connection is out at once, and back after a second. */
const EJECTS = {
  consecutive5xxErrors: 1,
  interval: "1s",
  baseEjectionTime: "1s",
  maxEjectionPercent: 100,
};

const serves = (from: Client, want: string): Promise<unknown> =>
  waitFor(
    { description: `all of 20 requests at ${want}`, deadlineMs: 30_000, intervalMs: 100 },
    async () => {
      const got = await from.curl(`${URL}[1-20]`);
      return got.length === 20 && got.every((name) => name === want);
    },
  );

for (const [algorithm, settings] of [
  ["ring hash", { ringHash: { minimumRingSize: 2048 } }],
  ["maglev", { maglev: { tableSize: 5003 } }],
] as const)
  test(`by ${algorithm} a key has its endpoint, and the end of one moves few others`, async (t) => {
    const network = await clientNetwork(t);
    const servers = await Promise.all(
      ["one", "two", "three", "four"].map((name) => backend(t, network, { name })),
    );
    const loadBalancer = { consistentHash: { httpQueryParameterName: "user", ...settings } };
    const policy = { loadBalancer, outlierDetection: { ...EJECTS, baseEjectionTime: "600s" } };
    const from = await client(t, network, meshOf(network, "http", servers, policy));
    const users = () => from.curl(`${URL}?user=[1-200]`);

    const first = await users();
    assert.deepEqual(await users(), first, "the same again");
    assert.equal(Object.keys(tally(first)).length, 4, "every endpoint has some");

    const [gone] = servers;
    await gone?.close();
    await waitFor(
      { description: "requests without the one that is gone", deadlineMs: 30_000, intervalMs: 100 },
      async () => {
        const now = await users();
        return now.every((name) =>
          servers.some((server) => server !== gone && server.name === name),
        );
      },
    );
    const then = await users();
    const moved = first.filter((name, i) => name !== gone?.name && name !== then[i]);
    // Without consistency two thirds would; the room of the one that is gone is shared anew.
    assert.ok(moved.length <= first.length / 4, `${moved.length} of ${first.length} moved`);
  });

test("a cookie keeps a client at its endpoint, and has the attributes that the rule gives it", async (t) => {
  const network = await clientNetwork(t);
  const servers = await Promise.all(
    ["one", "two", "three", "four"].map((name) => backend(t, network, { name })),
  );
  const httpCookie = {
    name: "at",
    path: "/",
    ttl: "60s",
    attributes: [{ name: "SameSite", value: "Lax" }, { name: "Secure" }],
  };
  const policy = { loadBalancer: { consistentHash: { httpCookie } } };
  const from = await client(t, network, meshOf(network, "http", servers, policy));
  const headers = await from.curl("-D", "-", URL);
  const set = headers.find((line) => line.toLowerCase().startsWith("set-cookie:"))?.trim() ?? "";
  assert.match(set, /at="?[0-9a-f]+"?; Max-Age=60; Path=\/; SameSite=Lax; Secure; HttpOnly/);
  const cookie = /at="?([0-9a-f]+)/.exec(set)?.[1] ?? "";
  const again = await from.curl("-H", `cookie: at=${cookie}`, `${URL}[1-50]`);
  assert.deepEqual(tally(again), { [headers.at(-1) ?? ""]: 50 });
  const others = await from.curl("-H", "connection: close", `${URL}[1-50]`);
  assert.ok(Object.keys(tally(others)).length > 1, "who shows no cookie is anybody");
});

test("connections from one address go to one endpoint", async (t) => {
  const network = await clientNetwork(t);
  const servers = await Promise.all(
    ["one", "two", "three", "four"].map((name) => backend(t, network, { name })),
  );
  const policy = { loadBalancer: { consistentHash: { useSourceIp: true } } };
  const from = await client(t, network, meshOf(network, "tcp", servers, policy));
  const got = await from.curl("-H", "connection: close", `${URL}[1-30]`);
  assert.equal(got.length, 30);
  assert.equal(Object.keys(tally(got)).length, 1);
});

test("places get the shares that the rule gives them", async (t) => {
  const network = await clientNetwork(t);
  const nodes = ["west-a", "west-b", "east-a", "east-a"];
  const servers = await Promise.all(
    nodes.map((node, i) => backend(t, network, { name: `${node}-${i}`, node })),
  );
  const distribute = [{ from: "west/a/*", to: { "west/a/*": 70, "west/b/*": 20, "east/*": 10 } }];
  const policy = { loadBalancer: { simple: "RANDOM", localityLbSetting: { distribute } } };
  const from = await client(t, network, meshOf(network, "http", servers, policy));
  const requests = 2_000;
  const got = await from.curl(`${URL}[1-${requests}]`);
  assert.equal(got.length, requests);
  for (const [zone, share] of [
    ["west-a", 0.7],
    ["west-b", 0.2],
    ["east-a", 0.1],
  ] as const) {
    const seen = got.filter((name) => name.startsWith(zone)).length;
    const sigma = Math.sqrt(requests * share * (1 - share));
    const off = Math.abs(seen - requests * share);
    assert.ok(off <= 4.5 * sigma, `${zone} got ${seen} of ${requests}`);
  }
});

test("the next place serves while a nearer one fails, and no longer", async (t) => {
  const network = await clientNetwork(t);
  const [near, next, far] = [
    await backend(t, network, { name: "near", node: "west-a" }),
    await backend(t, network, { name: "next", node: "west-b" }),
    await backend(t, network, { name: "far", node: "east-a" }),
  ];
  const policy = { outlierDetection: EJECTS };
  const from = await client(t, network, meshOf(network, "http", [far, next, near], policy));
  await serves(from, "near");
  await near.close();
  await serves(from, "next");
  await next.close();
  await serves(from, "far");
  await near.open();
  await serves(from, "near");
});

test("a service that prefers the same node is reached there", async (t) => {
  const network = await clientNetwork(t);
  const servers = [
    await backend(t, network, { name: "here", node: "west-a" }),
    await backend(t, network, { name: "there", node: "west-b" }),
  ];
  const mesh = meshOf(network, "http", servers, {}).replace(
    `clusterIP: ${VIP},`,
    `clusterIP: ${VIP}, trafficDistribution: PreferSameNode,`,
  );
  const from = await client(t, network, mesh);
  assert.deepEqual(tally(await from.curl(`${URL}[1-50]`)), { here: 50 });
});
