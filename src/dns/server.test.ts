import assert from "node:assert/strict";
import { createSocket, Socket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket as Stream } from "node:net";
import { type TestContext, test } from "node:test";
import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { DNS_HEALTH_QUERY, DNS_HEALTH_REPLY } from "../api/dns-health.ts";
import { registry } from "../util/metrics.ts";
import type { Asker } from "./askers.ts";
import { Frames, frame } from "./frames.ts";
import { RELAY_LIMITS, type RelayLimits } from "./relay.ts";
import { Resolver } from "./resolver.ts";
import { DnsServer } from "./server.ts";

const LOOPBACK = "127.0.0.1";
const POD: Asker = { key: "shop/web-1", namespace: "shop", labels: {}, addresses: [LOOPBACK] };
const HOST = "api.example.com";

interface World {
  readonly port: number;
  readonly server: DnsServer;
  /** What came to the cluster's resolver, which sends it back turned around. */
  readonly heard: Buffer[];
  readonly pods: Map<string, Asker>;
  readonly silence: () => void;
  /** From now on its answers to datagrams are held back. @returns what sends those, each so often, and holds back no more */
  readonly hold: () => (times?: number) => void;
  /** Sends a message, and waits until the cluster's resolver has it. */
  readonly deliver: (from: Socket, message: string) => Promise<void>;
}

/** All but the identifier. */
const turned = (message: Buffer): Buffer =>
  Buffer.concat([message.subarray(0, 2), Buffer.from(message.subarray(2)).reverse()]);

async function startWorld(t: TestContext, limits: Partial<RelayLimits> = {}): Promise<World> {
  const heard: Buffer[] = [];
  const streams = createServer((socket) => {
    const frames = new Frames();
    socket.on("data", (chunk: Buffer) => {
      for (const message of frames.take(chunk)) {
        heard.push(Buffer.from(message));
        socket.write(frame(turned(message)));
      }
    });
    socket.on("error", () => {});
  }).listen(0, LOOPBACK);
  await once(streams, "listening");
  const address = streams.address();
  assert.ok(typeof address === "object" && address !== null);
  let isSilent = false;
  let held: (() => void)[] | undefined;
  const datagrams = createSocket("udp4");
  datagrams.on("message", (message, from) => {
    if (isSilent) return;
    heard.push(message);
    const answer = (): void => datagrams.send(turned(message), from.port, LOOPBACK);
    if (held === undefined) answer();
    else held.push(answer);
  });
  datagrams.bind(address.port, LOOPBACK);
  await once(datagrams, "listening");
  const pods = new Map([[LOOPBACK, POD]]);
  const server = new DnsServer({
    askers: { find: (from) => pods.get(from) },
    names: (host) => (host === HOST ? ["240.240.0.1"] : undefined),
    resolver: new Resolver({
      addresses: [{ host: LOOPBACK, port: address.port }],
      probeName: "kubernetes.default.svc.cluster.local",
    }),
    limits: { ...RELAY_LIMITS, ...limits },
  });
  const port = await server.listen(0, LOOPBACK);
  t.after(() => {
    server.close();
    streams.close();
    datagrams.close();
  });
  return {
    port,
    server,
    heard,
    pods,
    silence: () => (isSilent = true),
    hold() {
      const own: (() => void)[] = [];
      held = own;
      return (times = 1) => {
        held = undefined;
        for (const answer of own) for (let i = 0; i < times; i += 1) answer();
      };
    },
    async deliver(from, message) {
      from.send(message, port, LOOPBACK);
      await once(datagrams, "message", soon());
    },
  };
}

const soon = () => ({ signal: AbortSignal.timeout(5_000) });

async function answerTo(socket: Socket): Promise<string> {
  const [reply] = (await once(socket, "message", soon())) as [Buffer];
  return String(reply);
}

async function ask(socket: Socket, port: number, message: Buffer): Promise<Buffer> {
  socket.send(message, port, LOOPBACK);
  const [reply] = (await once(socket, "message", soon())) as [Buffer];
  return reply;
}

function client(t: TestContext): Socket {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  return socket;
}

const query = encode({ type: "query", id: 7, questions: [{ type: "A", name: HOST }] });

test("what is not the mesh's goes on byte for byte, and so does what comes back", async (t) => {
  const { port, heard } = await startWorld(t);
  const socket = client(t);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 4_000 }).map((all) => Buffer.from(all));
  await fc.assert(
    fc.asyncProperty(bytes, async (message) => {
      assert.deepEqual(await ask(socket, port, message), turned(message));
      assert.deepEqual(heard.at(-1), message);
    }),
    { numRuns: 100 },
  );
  const before = heard.length;
  const reply = decode(await ask(socket, port, query));
  assert.deepEqual(
    [reply.id, reply.answers?.map((one) => one.type === "A" && one.data)],
    [7, ["240.240.0.1"]],
  );
  assert.equal(heard.length, before, "the mesh's own is nobody else's");
});

test("one stream carries answers of both", async (t) => {
  const { port } = await startWorld(t);
  const socket = connect(port, LOOPBACK);
  t.after(() => socket.destroy());
  const frames = new Frames();
  const heard: Buffer[] = [];
  const other = Buffer.alloc(20_000, 7);
  other[0] = 1;
  socket.write(Buffer.concat([frame(other), frame(query)]));
  for await (const chunk of socket) {
    heard.push(...frames.take(chunk as Buffer));
    if (heard.length === 2) break;
  }
  assert.ok(heard.some((message) => message.equals(turned(other))));
  assert.ok(heard.some((message) => message.length < 200 && decode(message).answers?.length === 1));
});

/** Whether the server says that it is of use; the end of the connection is a no. */
async function isOfUse(port: number): Promise<boolean> {
  const socket = connect(port, LOOPBACK);
  socket.on("error", () => {});
  socket.write(frame(Buffer.from(DNS_HEALTH_QUERY, "hex")));
  const frames = new Frames();
  for await (const chunk of socket.iterator({ destroyOnReturn: true }))
    for (const message of frames.take(chunk as Buffer))
      return message.equals(Buffer.from(DNS_HEALTH_REPLY, "hex"));
  return false;
}

test("it is of use to pods that it knows, while its resolver answers and it stays", async (t) => {
  const { port, server, pods } = await startWorld(t);
  assert.equal(await isOfUse(port), true);
  pods.clear();
  assert.equal(await isOfUse(port), false, "nobody that it knows");
  pods.set(LOOPBACK, POD);
  server.leave();
  assert.equal(await isOfUse(port), false, "about to leave");
  const reply = decode(await ask(client(t), port, query));
  assert.equal(reply.answers?.length, 1, "who has not heard of it yet is served all the same");

  const other = await startWorld(t);
  other.silence();
  assert.equal(await isOfUse(other.port), false, "its resolver is silent");
});

test("nobody but pods is heard, and each pod only so much at once", async (t) => {
  const { port, pods, heard, hold, deliver } = await startWorld(t, { sessionsPerAsker: 2 });
  const [one, two, three] = [client(t), client(t), client(t)];
  const release = hold();
  await deliver(one, "one");
  await deliver(two, "two");
  three.send("three", port, LOOPBACK);
  assert.deepEqual(decode(await ask(three, port, query)).answers?.length, 1, "ours costs nothing");
  const { promise: wasLookedUp, resolve } = Promise.withResolvers<void>();
  t.mock.method(pods, "get", () => resolve(), { times: 1 });
  one.send("nobody", port, LOOPBACK);
  await wasLookedUp;
  await deliver(two, "again");
  const answers = [answerTo(one), once(two, "message", soon()).then(() => answerTo(two))];
  release();
  assert.deepEqual(await Promise.all(answers), ["one", "agnia"]);
  assert.deepEqual(heard.map(String), ["one", "two", "again"]);
});

test("what comes from port 0, where nobody can be answered, is dropped", async (t) => {
  const bound = t.mock.method(Socket.prototype, "bind");
  const { port, heard } = await startWorld(t);
  const datagrams = bound.mock.calls.map((call) => call.this as Socket);
  const server = datagrams.find((socket) => socket.address().port === port);
  assert.ok(server);
  const before = await dropped();
  for (const message of [query, Buffer.from("not ours")])
    server.emit("message", message, {
      address: LOOPBACK,
      port: 0,
      family: "IPv4",
      size: message.length,
    });
  assert.equal(await dropped(), before + 2);
  const socket = client(t);
  assert.equal(String(await ask(socket, port, Buffer.from("whole"))), "whelo");
  assert.deepEqual(heard.map(String), ["whole"]);
});

async function dropped(): Promise<number> {
  const { values = [] } =
    (await registry.getSingleMetric("meshwright_dns_queries_total")?.get()) ?? {};
  return values.find(({ labels }) => labels["outcome"] === "dropped")?.value ?? 0;
}

test("a port that has its answers makes room, as fast as they come", async (t) => {
  const { port } = await startWorld(t, { sessionsPerAsker: 2, sessions: 2 });
  for (const text of ["first", "second", "third", "fourth", "fifth"]) {
    const message = Buffer.from(text);
    assert.deepEqual(await ask(client(t), port, message), turned(message));
  }
});

test("an answer that comes twice is no other question's", async (t) => {
  const { hold, deliver } = await startWorld(t, { sessionsPerAsker: 1 });
  const [one, two] = [client(t), client(t)];
  const replies: string[] = [];
  one.on("message", (reply) => replies.push(String(reply)));
  const release = hold();
  await deliver(one, "A?");
  const releaseLater = hold();
  await deliver(one, "AAAA?");
  release(2);
  while (replies.length < 2) await once(one, "message", soon());
  releaseLater();
  while (replies.length < 3) await once(one, "message", soon());
  assert.deepEqual(replies, ["A?", "A?", "AA?AA"]);
  await deliver(two, "in its place");
});

test("a port that is idle makes room", async (t) => {
  const { port, hold, deliver } = await startWorld(t, { sessionsPerAsker: 1, idleMs: 300 });
  const [one, two] = [client(t), client(t)];
  const start = performance.now();
  hold();
  await deliver(one, "one");
  const answerOthers = hold();
  answerOthers();
  const signal = AbortSignal.timeout(20_000);
  const heard = once(two, "message", { signal });
  const timer = setInterval(() => two.send("two", port, LOOPBACK), 100);
  await heard.finally(() => clearInterval(timer));
  assert.ok(performance.now() - start >= 290, "not before");
});

function stream(t: TestContext, port: number, localAddress = LOOPBACK): Stream {
  const socket = connect({ port, host: LOOPBACK, localAddress });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** The end of the connection is a no; idle ones are ended, so there always is an answer. */
function isAnswered(socket: Stream): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("data", () => resolve(true));
  socket.once("close", () => resolve(false));
  socket.write(frame(query));
  return promise;
}

test("a stranger's connection is closed unasked", async (t) => {
  const { port, pods } = await startWorld(t);
  pods.clear();
  await once(stream(t, port), "close", { signal: AbortSignal.timeout(5_000) });
});

test("a pod has only so many connections, and others have theirs", async (t) => {
  const { port, pods } = await startWorld(t);
  pods.set("127.0.0.2", { ...POD, key: "shop/web-2", addresses: ["127.0.0.2"] });
  const held = Array.from({ length: 64 }, () => stream(t, port));
  for (const socket of held) assert.equal(await isAnswered(socket), true);
  assert.equal(await isAnswered(stream(t, port)), false, "it has as many as it may");
  assert.equal(await isAnswered(stream(t, port, "127.0.0.2")), true, "another pod");
  held[0]?.destroy();
  const signal = AbortSignal.timeout(5_000);
  while (!(await isAnswered(stream(t, port)))) signal.throwIfAborted();
});
