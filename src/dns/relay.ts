/**
 * Datagrams to the cluster's resolver and back, byte for byte. Each asker's port has a socket, and
 * so a random port, of its own: identifiers never have to be changed, and nobody hears another's answer.
 * It has that while it waits for answers: many applications ask each question from another port.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Asker } from "./askers.ts";
import { type Address, socketType } from "./resolver.ts";

export interface RelayLimits {
  /** Of everybody together, and of one pod. */
  readonly sessions: number;
  readonly sessionsPerAsker: number;
  /** How long a port waits for an answer after it last asked. */
  readonly idleMs: number;
}

export const RELAY_LIMITS: RelayLimits = { sessions: 8_192, sessionsPerAsker: 512, idleMs: 10_000 };

export interface Query {
  readonly message: Buffer;
  readonly asker: Asker;
  /** Where the asker's proxy asks from. */
  readonly from: Address;
}

interface Session {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  readonly unanswered: Unanswered;
}

/** Of one port; of more the oldest are given up: their answers are passed on as long as others are waited for. */
const MOST_UNANSWERED = 128;

/**
 * What waits for an answer, by identifier: whatever comes twice, or unasked, ends the wait of nothing
 * else. What is asked twice is answered twice.
 */
class Unanswered {
  readonly #counts = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  add(query: Buffer): void {
    const id = identifier(query);
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    const [oldest = id] = this.#counts.keys();
    if (this.#counts.size > MOST_UNANSWERED) this.#counts.delete(oldest);
  }

  settle(answer: Buffer): void {
    const id = identifier(answer);
    const left = (this.#counts.get(id) ?? 0) - 1;
    if (left > 0) this.#counts.set(id, left);
    else this.#counts.delete(id);
  }
}

/** Of a message too short to have one, a number that is none. */
const identifier = (message: Buffer): number => (message.length < 2 ? -1 : message.readUInt16BE(0));

export class Relay {
  readonly #limits: RelayLimits;
  readonly #reply: (message: Buffer, to: Address) => void;
  readonly #sessions = new Map<string, Session>();
  readonly #held = new Map<string, number>();

  constructor(reply: (message: Buffer, to: Address) => void, limits = RELAY_LIMITS) {
    this.#reply = reply;
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @returns whether it was sent; it is not when there are too many at once */
  forward({ message, asker, from }: Query, resolver: Address): boolean {
    const session = this.#sessionOf({ asker, from }, resolver);
    if (session === undefined) return false;
    session.timer.refresh();
    session.unanswered.add(message);
    session.socket.send(message, resolver.port, resolver.host);
    return true;
  }

  close(): void {
    for (const { socket, timer } of this.#sessions.values()) {
      clearTimeout(timer);
      socket.close();
    }
    this.#sessions.clear();
    this.#held.clear();
  }

  #sessionOf({ asker, from }: Omit<Query, "message">, resolver: Address): Session | undefined {
    const key = `${from.host} ${from.port} ${resolver.host}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const held = this.#held.get(asker.key) ?? 0;
    if (this.#sessions.size >= this.#limits.sessions || held >= this.#limits.sessionsPerAsker)
      return undefined;
    const socket = createSocket(socketType(resolver));
    const end = (): void => {
      if (this.#sessions.get(key) !== session) return;
      clearTimeout(session.timer);
      this.#sessions.delete(key);
      this.#release(asker.key);
      socket.close();
    };
    const unanswered = new Unanswered();
    const session = { socket, timer: setTimeout(end, this.#limits.idleMs).unref(), unanswered };
    socket.on("message", (message, { address, port }) => {
      if (address !== resolver.host || port !== resolver.port) return;
      unanswered.settle(message);
      if (unanswered.isEmpty) end();
      this.#reply(message, from);
    });
    socket.on("error", end);
    this.#sessions.set(key, session);
    this.#held.set(asker.key, held + 1);
    return session;
  }

  #release(asker: string): void {
    const left = (this.#held.get(asker) ?? 1) - 1;
    if (left > 0) this.#held.set(asker, left);
    else this.#held.delete(asker);
  }
}
