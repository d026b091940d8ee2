/** A pod whose DNS is captured, the responder, and a cluster's resolver that knows little. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import { Askers } from "../../src/dns/askers.ts";
import { Frames, frame } from "../../src/dns/frames.ts";
import { DnsServer } from "../../src/dns/server.ts";
import { clusterResolver, namesOf } from "../../src/main/dns.ts";
import { applyAll, objects } from "../../src/testing/fixtures.ts";
import type { ProxyView } from "../../src/xds/view.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { serveOutside } from "./outside.ts";
import { type PodNetwork, podNetwork } from "./pod-network.ts";
import { type Pod, startWorld } from "./translation-world.ts";

/** As an application that knows nothing of the mesh: without the proxy's user and group. */
export const APP = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"] as const;
export const SERVICE = "web.shop.svc.cluster.local";
export const BIG = "big.example.org";
export const HOST = "api.example.com";
export const VIP = "240.240.0.9";

const LIMIT_BYTES = 4_096;

/** What the cluster's resolver knows; `undefined` is a name that there is not. */
function recordsOf(name: string, type: string): readonly Answer[] | undefined {
  if (name === BIG && type === "TXT")
    return Array.from({ length: 12 }, (_, i) => ({
      type: "TXT",
      name,
      data: `${i % 10}`.repeat(250),
    }));
  if (![SERVICE, BIG, "www.example.org"].includes(name)) return undefined;
  return type === "A" ? [{ type: "A", name, ttl: 30, data: "10.96.3.4" }] : [];
}

function reply(message: Buffer, transport: "udp" | "tcp"): Buffer {
  const { id = 0, questions = [], additionals = [] } = decode(message);
  const [question] = questions;
  const answers = question && recordsOf(question.name, question.type);
  const flags = 0x8180 | (answers === undefined ? 3 : 0);
  const whole = encode({ type: "response", id, flags, questions, answers: [...(answers ?? [])] });
  const limit = additionals.length > 0 ? LIMIT_BYTES : 512;
  return transport === "tcp" || whole.length <= limit
    ? whole
    : encode({ type: "response", id, flags: flags | 0x0200, questions });
}

/** @returns how many questions it was asked */
async function serveResolver(t: TestContext, host: string): Promise<() => number> {
  let asked = 0;
  const datagrams = createSocket("udp4");
  datagrams.on("message", (message, { port, address }) => {
    asked += 1;
    datagrams.send(reply(message, "udp"), port, address);
  });
  const streams = createServer((socket) => {
    const frames = new Frames();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      asked += 1;
      for (const message of frames.take(chunk)) socket.write(frame(reply(message, "tcp")));
    });
  }).listen(53, host);
  datagrams.bind(53, host);
  t.after(() => {
    datagrams.close();
    streams.close();
  });
  await Promise.all([once(datagrams, "listening"), once(streams, "listening")]);
  return () => asked;
}

export interface DnsWorld {
  readonly network: PodNetwork;
  readonly pod: Pod;
  readonly apply: (yaml: string) => void;
  readonly remove: (kind: "services" | "serviceEntries" | "sidecars", key: string) => void;
  /** Addresses by the system's resolver, as most applications find them; none if there is no name. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  /** What an application that uses its own libraries is told, by name server. */
  readonly query: (name: string, type: string) => Promise<string>;
  /** Messages as they are to the name server, and what comes back, in hexadecimal. */
  readonly exchange: (messages: readonly Buffer[], uid?: string) => Promise<readonly string[]>;
  readonly askedOfResolver: () => number;
  readonly stopResponder: () => void;
  readonly startResponder: () => Promise<void>;
  /** Waits until a name has these addresses. */
  readonly until: (name: string, addresses: readonly string[]) => Promise<unknown>;
}

const CLIENT: ProxyView = {
  kind: "sidecar",
  namespace: "default",
  workload: "default/client-1",
  serviceAccount: "client",
  labels: { app: "client", "security.istio.io/tlsMode": "istio" },
};

const clientPod = (ip: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: client-1, labels: { app: client, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: client, containers: [{ name: app }] }
status: { podIP: "${ip}", podIPs: [{ ip: "${ip}" }] }
`;

export const entry = (name: string, host: string, spec: string, vip = VIP): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: default }
spec: { hosts: [${host}], ${spec} }
status: { addresses: [{ host: "${host}", value: "${vip}" }] }
---
`;

/** @param mesh beside the pod itself; `out` is an address where HTTP is served on port 8080 */
export async function dnsWorld(t: TestContext, mesh: (out: string) => string): Promise<DnsWorld> {
  const network = await podNetwork(t);
  const out = network.outside;
  await network.run("ip", "route", "add", "default", "via", out);
  await serveOutside(t, out, { http: 8080 }, "*.example.com");
  const askedOfResolver = await serveResolver(t, out);
  const port = await freePort();
  const responder = { host: out, port };
  const world = await startWorld(t, `${clientPod(network.ip)}---${mesh(out)}`, {
    dns: { resolvers: [out], responder },
  });
  const askers = new Askers();
  const [pod] = objects(clientPod(network.ip));
  askers.upsert(pod as Parameters<Askers["upsert"]>[0]);
  const names = namesOf(world.model);
  let server: DnsServer | undefined;
  const start = async (): Promise<void> => {
    const resolver = clusterResolver([out], { clusterDomain: "cluster.local" });
    server = new DnsServer({ askers, names, resolver });
    await server.listen(port, out);
  };
  await start();
  t.after(() => server?.close());
  const client = await world.proxy(network, CLIENT, {});
  const lookUp = lookingUp(network);
  return {
    network,
    pod: client,
    apply: (yaml) => applyAll(world.model, objects(yaml)),
    remove: (kind, key) => world.model.sinks[kind].remove(key),
    lookUp,
    query: (name, type) => network.run(...APP, process.execPath, "-e", QUERY, out, name, type),
    exchange: exchanging(network),
    askedOfResolver,
    stopResponder: () => server?.close(),
    startResponder: start,
    until: (name, addresses) =>
      waitFor(
        { description: `${name} at ${String(addresses)}`, deadlineMs: 30_000, intervalMs: 100 },
        async () => JSON.stringify(await lookUp(name)) === JSON.stringify(addresses),
      ),
  };
}

/** By glibc, with a resolv.conf as kubelet writes it. */
function lookingUp(network: PodNetwork): DnsWorld["lookUp"] {
  const conf = `search default.svc.cluster.local svc.cluster.local cluster.local\\nnameserver ${network.outside}\\noptions ndots:5\\n`;
  const prepare = `f=$(mktemp); printf '${conf}' > $f; chmod 644 $f; mount --bind $f /etc/resolv.conf; rm $f; exec "$@"`;
  const inView = ["unshare", "--mount", "sh", "-c", prepare, "sh"] as const;
  return async (name) => {
    const [command, ...args] = [...inView, ...APP, "getent", "-s", "dns", "ahosts", name];
    const said = await network.run(command, ...args).catch((error: { code?: number }) => {
      // It says so by its exit code that there is no such name.
      if (error.code === 2) return "";
      throw error;
    });
    return [...new Set(said.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))];
  };
}

const exchanging =
  (network: PodNetwork): DnsWorld["exchange"] =>
  async (messages, uid = "1000") => {
    const args = ["--reuid", uid, "--regid", uid, "--clear-groups"];
    const sent = JSON.stringify(messages.map((message) => message.toString("hex")));
    const node = [process.execPath, "-e", EXCHANGE, network.outside, sent];
    return JSON.parse(await network.run("setpriv", ...args, ...node)) as string[];
  };

const QUERY = `
const { Resolver } = require("node:dns").promises;
const [server, name, type] = process.argv.slice(1);
const resolver = new Resolver({ timeout: 4000, tries: 3 });
resolver.setServers([server]);
resolver.resolve(name, type).then(
  (found) => process.stdout.write(JSON.stringify(found)),
  (error) => process.stdout.write(error.code),
);`;

const EXCHANGE = `
const { once } = require("node:events");
const [server, messages] = process.argv.slice(1);
const exchange = async (hex) => {
  const socket = require("node:dgram").createSocket("udp4");
  const send = () => socket.send(Buffer.from(hex, "hex"), 53, server);
  const timer = setInterval(send, 4000);
  send();
  const [reply] = await once(socket, "message");
  clearInterval(timer);
  socket.close();
  return reply.toString("hex");
};
(async () => {
  const heard = [];
  for (const hex of JSON.parse(messages)) heard.push(await exchange(hex));
  process.stdout.write(JSON.stringify(heard));
})();`;
