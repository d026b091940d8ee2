/** A small HTTP server: a table of routes, a health check, and a shutdown that loses nothing. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { hostname } from "node:os";

export interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** What the route's pattern captured, in order. */
  readonly captured: readonly string[];
  readonly body: string;
  readonly peer: string;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
}

export interface Response {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
}

export interface Route {
  readonly method: string;
  /** Of the whole path; its groups are handed to the handler. */
  readonly path: RegExp;
  readonly handle: (request: Request) => Response | Promise<Response>;
}

export const podName = hostname();

/** A terminating server stops once no request has come for the first time, at most after the second. */
const QUIET_MS = 1_000;
const DRAIN_MS = 8_000;

const health: Route = { method: "GET", path: /^\/health$/, handle: () => ({ body: "ok\n" }) };

/** Serves `routes` until SIGTERM and then for as long as callers still come, as endpoints lag. */
export async function serve(port: number, routes: readonly Route[]): Promise<void> {
  const table = [health, ...routes];
  let lastRequest = 0;
  const server = createServer((request, response) => {
    if (request.url !== "/health") lastRequest = Date.now();
    void answer(table, request, response);
  });
  // Envoy keeps an idle connection for an hour: whoever closes first may cut off a request.
  server.keepAliveTimeout = 3_660_000;
  await listen(server, port);
  log({ message: "listening", port });
  await untilTerminated();
  await drained(() => lastRequest);
  server.close();
  server.closeIdleConnections();
}

export function log(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(
    `${JSON.stringify({ time: new Date().toISOString(), pod: podName, ...line })}\n`,
  );
}

/** Resolves on SIGTERM or SIGINT and keeps the process alive until then. */
export async function untilTerminated(): Promise<void> {
  const alive = setInterval(() => undefined, 3_600_000);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
  clearInterval(alive);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // Dual stack where the pod has IPv6, IPv4 alone where it has none.
    server.listen(port, () => resolve());
  });
}

function drained(lastRequest: () => number): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = Date.now();
      if (now < deadline && now - lastRequest() < QUIET_MS) return;
      clearInterval(timer);
      resolve();
    }, 50);
  });
}

async function answer(
  routes: readonly Route[],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  let response: Response;
  try {
    response = await route(routes, incoming, gone.signal);
  } catch (error) {
    // The edge of the server: a failed handler is an answer, not the end of the process.
    log({ level: "error", path: incoming.url, message: String(error) });
    response = { status: 500, body: { error: String(error) } };
  }
  if (!gone.signal.aborted) send(outgoing, response);
}

async function route(
  routes: readonly Route[],
  incoming: IncomingMessage,
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const body = await text(incoming);
  for (const { method, path, handle } of routes) {
    const match = path.exec(url.pathname);
    if (match === null || (method !== "*" && method !== incoming.method)) continue;
    const peer = incoming.socket.remoteAddress ?? "";
    const request = {
      method: incoming.method ?? "GET",
      url,
      headers: incoming.headers,
      body,
      peer,
    };
    return handle({ ...request, captured: match.slice(1), signal });
  }
  return { status: 404, body: { error: `nothing at ${url.pathname}` } };
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function send(outgoing: ServerResponse, { status = 200, headers = {}, body = "" }: Response): void {
  const isText = typeof body === "string";
  const bytes = Buffer.from(isText ? body : `${JSON.stringify(body)}\n`);
  outgoing.writeHead(status, {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
    "content-length": bytes.length,
    ...headers,
  });
  outgoing.end(bytes);
}
