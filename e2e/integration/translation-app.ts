/**
 * Both ends of requests, each in the network that it is started in:
 *   serve '{"8080": "http"}'   answers with what it sees of a request
 *   ask '{"kind", "host", …}'  prints the answer
 */
import {
  type ClientRequest,
  createServer as createHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
} from "node:http";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { request as requestTls } from "node:https";
import { createConnection, createServer } from "node:net";
import { text } from "node:stream/consumers";

export type Speaks = "http" | "http2" | "client-first" | "server-first";
/** Clients can also greet by TLS, with the name of header `host`; the server's name is theirs to believe. */
export type Asks = Speaks | "https";

/** What the application saw of a request. */
export interface Seen {
  readonly version: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly from: string;
  readonly to: string;
}

export interface Question {
  readonly kind: Asks;
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const TIMEOUT_MS = 5_000;

const SERVERS: Readonly<Record<Speaks, (port: number, ready: () => void) => void>> = {
  http: (port, ready) =>
    createHttp((incoming, outgoing) => {
      const { httpVersion: version, url: path = "", headers, socket } = incoming;
      outgoing.end(seen({ version, path, headers }, socket));
    }).listen(port, "::", ready),
  http2: (port, ready) =>
    createHttp2((incoming, outgoing) => {
      const { httpVersion: version, url: path, headers, socket } = incoming;
      outgoing.end(seen({ version, path, headers }, socket));
    }).listen(port, "::", ready),
  "client-first": (port, ready) =>
    createServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", (heard) => socket.end(`heard ${heard.toString().trim()}`));
    }).listen(port, "::", ready),
  "server-first": (port, ready) =>
    createServer((socket) => socket.on("error", () => {}).end("welcome")).listen(port, "::", ready),
};

const seen = (
  heard: Omit<Seen, "from" | "to">,
  socket: {
    readonly remoteAddress?: string | undefined;
    readonly localAddress?: string | undefined;
  },
): string =>
  JSON.stringify({
    ...heard,
    from: socket.remoteAddress,
    to: socket.localAddress,
  } satisfies Partial<Record<keyof Seen, unknown>>);

const CLIENTS: Readonly<Record<Asks, (question: Question) => Promise<Answer>>> = {
  http: (question) => overHttp(question, request),
  https: (question) =>
    overHttp(question, (options, answered) =>
      requestTls(
        { ...options, servername: question.headers?.["host"], rejectUnauthorized: false },
        answered,
      ),
    ),
  async http2({ host, port, path = "/", headers = {} }) {
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const session = connectHttp2(`http://${authority}`);
    const stream = session.request({ ":path": path, ":authority": authority, ...headers });
    const { promise, resolve } = Promise.withResolvers<IncomingHttpHeaders>();
    stream.on("response", resolve);
    const [got, body] = await Promise.all([promise, text(stream)]);
    session.close();
    return { status: Number(got[":status"]), headers: got, body };
  },
  "client-first": (question) => overTcp(question, "hello\n"),
  "server-first": (question) => overTcp(question, ""),
};

async function overHttp(
  { host, port, path = "/", headers = {} }: Question,
  send: (options: RequestOptions, answered: (incoming: IncomingMessage) => void) => ClientRequest,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  send({ host, port, path, headers, timeout: TIMEOUT_MS }, (incoming) => {
    text(incoming).then((body) => {
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
    }, reject);
  })
    .on("timeout", () => reject(new Error("timeout")))
    .on("error", reject)
    .end();
  return promise;
}

async function overTcp({ host, port }: Question, says: string): Promise<Answer> {
  const socket = createConnection({ host, port, timeout: TIMEOUT_MS });
  socket.on("timeout", () => socket.destroy(new Error("timeout")));
  if (says !== "") socket.write(says);
  return { status: 0, headers: {}, body: await text(socket) };
}

const [verb, argument = ""] = process.argv.slice(2);
if (verb === "serve") serve(JSON.parse(argument) as Readonly<Record<string, Speaks>>);
if (verb === "ask") {
  const question = JSON.parse(argument) as Question;
  const answer = await CLIENTS[question.kind](question).catch(
    (error: unknown): Answer => ({ status: -1, headers: {}, body: String(error) }),
  );
  process.stdout.write(JSON.stringify(answer));
}

function serve(ports: Readonly<Record<string, Speaks>>): void {
  let waiting = Object.keys(ports).length;
  for (const [port, speaks] of Object.entries(ports))
    SERVERS[speaks](Number(port), () => {
      waiting -= 1;
      if (waiting === 0) process.stdout.write("ready\n");
    });
}
