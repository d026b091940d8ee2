import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { PROXY_UID } from "../../src/api/names.ts";
import { checkout } from "../harness/environment.ts";
import { type PodNetwork, podNetwork } from "./pod-network.ts";

const CAPTURE = join(checkout, "images/proxy/capture");
const PEER = join(import.meta.dirname, "capture-peer.ts");
const APP_UID = 1000;

/** What listens in the pod: the proxy's captured ports, its own, and the application's. */
const POD_PORTS = {
  15001: "outbound",
  15006: "inbound",
  15021: "readiness",
  8080: "app",
  8081: "other app",
};

interface Pod {
  readonly network: PodNetwork;
  /** Port outside the pod, where everybody hears `outside`. */
  readonly port: number;
  readonly capture: (...args: readonly string[]) => Promise<string>;
  /** Who answers a connection from inside the pod. */
  readonly hears: (uid: number, host: string, port: number, from?: string) => Promise<string>;
}

async function startPod(t: TestContext): Promise<Pod> {
  const network = await podNetwork(t);
  const child = network.start(process.execPath, [PEER, "serve", JSON.stringify(POD_PORTS)]);
  if (child.stdout) await once(child.stdout, "data");
  const outside = createServer((socket) => socket.end("outside")).listen(0, "::");
  await once(outside, "listening");
  t.after(() => outside.close());
  const address = outside.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    network,
    port: address.port,
    capture: (...args) => network.run(CAPTURE, ...args),
    hears: (uid, host, port, from) =>
      network.run(process.execPath, PEER, "connect", JSON.stringify({ uid, host, port, from })),
  };
}

/** Who answers a connection from the machine to the pod. */
async function heardFromOutside(host: string, port: number): Promise<string> {
  return text(createConnection({ host, port, timeout: 3000 }));
}

for (const family of ["IPv4", "IPv6"] as const)
  test(`traffic goes through the proxy, the proxy's own does not: ${family}`, async (t) => {
    const { network, port, capture, hears } = await startPod(t);
    const [ip, outside, loopback, from] =
      family === "IPv4"
        ? [network.ip, network.outside, "127.0.0.1", "127.0.0.6"]
        : [network.ip6, network.outside6, "::1", "::6"];
    assert.equal(await hears(APP_UID, outside, port), "outside", "before");
    await capture();

    assert.equal(await hears(APP_UID, outside, port), "outbound");
    assert.equal(await hears(0, outside, port), "outbound", "root is no exception");
    assert.equal(await hears(PROXY_UID, outside, port), "outside");

    assert.equal(await heardFromOutside(ip, 8080), "inbound");
    assert.equal(await heardFromOutside(ip, 9999), "inbound", "also where nobody listens");
    assert.equal(await heardFromOutside(ip, 15021), "readiness");

    assert.equal(await hears(APP_UID, ip, 8080), "app", "the application to itself");
    assert.equal(await hears(APP_UID, loopback, 8080), "app");
    assert.equal(
      await hears(PROXY_UID, ip, 8080),
      "inbound",
      "what was sent to a service and is here",
    );
    assert.equal(await hears(PROXY_UID, ip, 8080, from), "app", "what came in and goes to the app");
    assert.equal(await hears(PROXY_UID, loopback, 8080), "app");
  });

test("annotations say what is captured", async (t) => {
  const { network, port, capture, hears } = await startPod(t);
  const { ip, ip6, outside, outside6 } = network;
  const outbound = () => hears(APP_UID, outside, port);

  await capture("--exclude-outbound-ports", `1,${port}`);
  assert.equal(await outbound(), "outside");
  await capture("--exclude-outbound-ranges", `${outside}/32,198.18.0.0/15`);
  assert.equal(await outbound(), "outside");
  assert.equal(await hears(APP_UID, outside6, port), "outbound", "the other family is not meant");
  await capture("--include-outbound-ranges", "10.0.0.0/8");
  assert.equal(await outbound(), "outside");
  await capture("--include-outbound-ranges", "10.0.0.0/8", "--include-outbound-ports", `${port}`);
  assert.equal(await outbound(), "outbound", "a port that is wanted, whatever its address");
  await capture("--include-outbound-ranges", `fd6d:7700::/32,${outside}`);
  assert.equal(await outbound(), "outbound");
  assert.equal(await hears(APP_UID, outside6, port), "outbound");
  await capture("--include-outbound-ranges", "");
  assert.equal(await outbound(), "outside");

  await capture("--exclude-inbound-ports", "8080");
  assert.equal(await heardFromOutside(ip, 8080), "app");
  assert.equal(await heardFromOutside(ip6, 8081), "inbound");
  await capture("--include-inbound-ports", "8080");
  assert.equal(await heardFromOutside(ip, 8080), "inbound");
  assert.equal(await heardFromOutside(ip, 8081), "other app");
  await capture("--include-inbound-ports", "");
  assert.equal(await heardFromOutside(ip, 8080), "app");
});

test("running it again changes nothing, and nothing is left half done", async (t) => {
  const { network, capture } = await startPod(t);
  const first = await capture();
  assert.equal(await capture(), first);
  await assert.rejects(
    capture("--include-outbound-ranges", "nowhere"),
    /the kernel refused the rules/,
  );
  assert.equal(await network.run("nft", "list", "table", "inet", "meshwright"), first.trimStart());
  await assert.rejects(capture("--include-everything"), /usage: capture/);
});

for (const family of ["IPv4", "IPv6"] as const)
  test(`what was under way before the rules goes on, whoever speaks first: ${family}`, async (t) => {
    const { network, capture } = await startPod(t);
    const host = family === "IPv4" ? network.outside : network.outside6;
    const server = createServer().listen(0, "::");
    t.after(() => server.close());
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const connect = `require("net").connect(${address.port}, "${host}").pipe(process.stdout)`;
    const child = network.start(process.execPath, ["-e", connect]);
    const [socket] = (await once(server, "connection")) as [Socket];
    await capture();
    // Its packets are the first that the kernel tracks: they must not pass for a new connection.
    socket.end("late");
    assert.ok(child.stdout);
    assert.equal(await text(child.stdout), "late");
  });
