/**
 * The load generator's process: opens proxies and tells its parent, over IPC, when things reached
 * them. It shares no event loop with the parent, so the parent's work does not delay its clock.
 */
import { readFileSync } from "node:fs";
import { TYPE_URLS } from "../../../src/proto/type-url.ts";
import { FakeProxy, type ProxyEvents, wallMs } from "./fake-proxy.ts";
import type { Message } from "./messages.ts";
import { cpuSeconds } from "./process.ts";

export type Command =
  | {
      readonly kind: "open";
      readonly address: string;
      readonly serverName: string;
      readonly rootFile: string;
      readonly tokens: readonly string[];
    }
  /** Report when a resource of `type` whose name or content holds `text` has reached all proxies. */
  | { readonly kind: "expect"; readonly type: keyof typeof TYPE_URLS; readonly text: string }
  | { readonly kind: "received" };

export type Report =
  /** When each proxy got the last of its first configuration, after all began to connect. */
  | {
      readonly kind: "configured";
      readonly atMs: readonly number[];
      readonly bytes: readonly number[];
      /** CPU of this process since it began to connect. */
      readonly cpuSeconds: number;
    }
  | { readonly kind: "arrived"; readonly atMs: readonly number[] }
  | { readonly kind: "received"; readonly bytes: readonly number[] }
  | { readonly kind: "ended"; readonly proxy: string; readonly error: string };

interface Expectation {
  readonly typeUrl: string;
  readonly text: Buffer;
  /** When each proxy got it, as `performance.timeOrigin + now`, so that processes can compare. */
  readonly arrivals: Map<string, number>;
  /** Whether a message has what is expected: most proxies get the same one. */
  readonly meant: Map<Message, boolean>;
}

const report = (message: Report): void => void process.send?.(message);
/** As long as this without a response and the first configuration is complete. */
const QUIET_MS = 1_000;

const proxies: FakeProxy[] = [];
let expectation: Expectation | undefined;
let openedAt = 0;
let cpuBefore = 0;
let configured = new Set<string>();

function checkConfigured(proxy: FakeProxy): void {
  if (configured.has(proxy.id) || !proxy.configured) return;
  configured.add(proxy.id);
  if (configured.size === proxies.length) awaitQuiet();
}

/** Nothing tells a client that it has the last virtual host but that no more come. */
function awaitQuiet(): void {
  if (wallMs() - Math.max(...proxies.map(({ receivedAt }) => receivedAt)) < QUIET_MS) {
    setTimeout(awaitQuiet, QUIET_MS / 10);
    return;
  }
  report({
    kind: "configured",
    atMs: proxies.map(({ receivedAt }) => receivedAt - openedAt),
    bytes: proxies.map((p) => p.receivedBytes),
    cpuSeconds: cpuSeconds(process.pid) - cpuBefore,
  });
}

function isMeant({ text, meant }: Expectation, message: Message): boolean {
  const known = meant.get(message);
  if (known !== undefined) return known;
  const found = message.holds(text);
  meant.set(message, found);
  return found;
}

const events: ProxyEvents = {
  received(proxy, message) {
    checkConfigured(proxy);
    if (expectation === undefined || message.typeUrl !== expectation.typeUrl) return;
    const { arrivals } = expectation;
    if (arrivals.has(proxy.id) || !isMeant(expectation, message)) return;
    arrivals.set(proxy.id, wallMs());
    if (arrivals.size < proxies.length) return;
    report({ kind: "arrived", atMs: [...arrivals.values()] });
    expectation = undefined;
  },
  ended(proxy, error) {
    report({ kind: "ended", proxy: proxy.id, error });
  },
};

function open(command: Extract<Command, { kind: "open" }>): void {
  const root = readFileSync(command.rootFile);
  openedAt = wallMs();
  cpuBefore = cpuSeconds(process.pid);
  configured = new Set();
  for (const [index, token] of command.tokens.entries()) {
    const { address, serverName } = command;
    // Every proxy is a connection of its own, as every Envoy is.
    proxies.push(new FakeProxy(`proxy-${index}`, { address, serverName, root, token }, events));
  }
}

process.on("message", (command: Command) => {
  if (command.kind === "open") open(command);
  else if (command.kind === "received")
    report({ kind: "received", bytes: proxies.map((p) => p.receivedBytes) });
  else
    expectation = {
      typeUrl: TYPE_URLS[command.type],
      text: Buffer.from(command.text),
      arrivals: new Map(),
      meant: new Map(),
    };
});
