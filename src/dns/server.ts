/**
 * Name resolution for pods that asked for it: hosts of ServiceEntries have the addresses on which
 * sidecars listen for them; every other message goes to the cluster's resolver and back as it is.
 *
 * A proxy comes here only while this replica says that it is of use: that it knows the pod, is not
 * about to stop, and that its own resolver answers. It says so on the port and in the protocol that
 * are of use, to whoever asks from the same address; else proxies ask the cluster's resolver themselves.
 */
import { createSocket, type Socket as Datagrams, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { DNS_HEALTH_QUERY, DNS_HEALTH_REPLY } from "../api/dns-health.ts";
import { counter, gauge } from "../util/metrics.ts";
import type { Asker } from "./askers.ts";
import { RELAY_LIMITS, Relay, type RelayLimits } from "./relay.ts";
import type { Address, Resolver } from "./resolver.ts";
import { type Names, respond } from "./responder.ts";
import { serveStream } from "./stream.ts";

const queries = counter(
  "meshwright_dns_queries_total",
  "DNS messages, by what became of them: answered, forwarded, or dropped as not a pod's, from no port or too many; and connections dropped for the same",
  ["outcome"],
);
const sessions = gauge(
  "meshwright_dns_sessions",
  "Ports of pods that wait for an answer of the cluster's resolver",
);

export interface DnsOptions {
  readonly askers: { find(address: string): Asker | undefined };
  readonly names: Names;
  readonly resolver: Resolver;
  readonly limits?: RelayLimits;
}

const NOTHING = Promise.resolve(null);
const HEALTH_QUERY = Buffer.from(DNS_HEALTH_QUERY, "hex");
const HEALTH_REPLY = Buffer.from(DNS_HEALTH_REPLY, "hex");

/** Connections are few: of health checks, and for what does not fit a datagram. */
const MAX_CONNECTIONS = 10_000;
const MAX_CONNECTIONS_PER_ASKER = 64;
const IDLE_MS = 15_000;

export class DnsServer {
  readonly #options: DnsOptions;
  readonly #relay: Relay;
  readonly #streams: Server;
  #datagrams: Datagrams | undefined;
  /** By the asker's key. */
  readonly #connections = new Map<string, Set<Socket>>();
  #isLeaving = false;

  constructor(options: DnsOptions) {
    this.#options = options;
    this.#relay = new Relay((message, { port, host }) => {
      this.#datagrams?.send(message, port, host);
      sessions.set(this.#relay.size);
    }, options.limits ?? RELAY_LIMITS);
    this.#streams = createServer((socket) => this.#serve(socket));
    this.#streams.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns the port, of both protocols */
  async listen(port: number, host: string): Promise<number> {
    this.#streams.listen({ port, host });
    await once(this.#streams, "listening");
    const address = this.#streams.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    const datagrams = createSocket(host.includes(":") ? "udp6" : "udp4");
    datagrams.on("message", (message, from) => this.#take(message, from));
    datagrams.bind(bound, host);
    await once(datagrams, "listening");
    // What cannot be sent is asked for again; without a listener it would end the process.
    datagrams.on("error", () => queries.inc({ outcome: "failed" }));
    this.#datagrams = datagrams;
    return bound;
  }

  /** From now on proxies are told to ask elsewhere; those that have not heard it are still served. */
  leave(): void {
    this.#isLeaving = true;
  }

  close(): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
    this.#relay.close();
    this.#streams.close();
    for (const sockets of this.#connections.values())
      for (const socket of sockets) socket.destroy();
  }

  #take(message: Buffer, from: RemoteInfo): void {
    const asker = this.#options.askers.find(plain(from.address));
    // Nothing can be sent to port 0: to try throws.
    const isAnswerable = asker !== undefined && from.port !== 0;
    const outcome = isAnswerable ? this.#settle(message, asker, from) : "dropped";
    queries.inc({ outcome });
    sessions.set(this.#relay.size);
  }

  #settle(message: Buffer, asker: Asker, { address, port }: RemoteInfo): string {
    const { names, resolver } = this.#options;
    const answer = respond(message, { asker, names, transport: "udp" });
    if (answer !== undefined) {
      this.#datagrams?.send(answer, port, address);
      return "answered";
    }
    const query = { message, asker, from: { host: address, port } };
    const to: Address | undefined = resolver.current;
    return to !== undefined && this.#relay.forward(query, to) ? "forwarded" : "dropped";
  }

  #serve(socket: Socket): void {
    const { askers, names, resolver } = this.#options;
    const address = plain(socket.remoteAddress ?? "");
    const known = askers.find(address);
    if (known === undefined || !this.#admit(socket, known)) {
      queries.inc({ outcome: "dropped" });
      socket.destroy();
      return;
    }
    serveStream(socket, {
      resolver: () => resolver.current,
      idleMs: IDLE_MS,
      respond: (message) => {
        const asker = askers.find(address);
        if (asker === undefined) return NOTHING;
        if (message.equals(HEALTH_QUERY)) return this.#health();
        const answer = respond(message, { asker, names, transport: "tcp" });
        queries.inc({ outcome: answer === undefined ? "forwarded" : "answered" });
        return answer;
      },
    });
  }

  /** @returns false if the asker has as many connections as it may */
  #admit(socket: Socket, { key }: Asker): boolean {
    const sockets = this.#connections.get(key) ?? new Set();
    if (sockets.size >= MAX_CONNECTIONS_PER_ASKER) return false;
    this.#connections.set(key, sockets.add(socket));
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#connections.delete(key);
    });
    return true;
  }

  async #health(): Promise<Buffer | null> {
    if (this.#isLeaving) return null;
    return (await this.#options.resolver.isAnswering()) ? HEALTH_REPLY : null;
  }
}

/** IPv4 as it is written, where one socket serves both families. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, "");
