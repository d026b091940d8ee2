/** HTTP as a user's client does it: every request ends as a record, also one that failed. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";

/** As it is written in a URL, where an IPv6 address has brackets. */
export const authorityOf = ({ host, port }: Origin): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

export interface Origin {
  readonly host: string;
  readonly port: number;
}

export interface HttpRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface HttpRecord {
  /** 0 if there was no answer; `error` then says why. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly error?: string;
  /** When it was sent, on the clock of `performance.now()`. */
  readonly sentAt: number;
  readonly ms: number;
}

const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 16;

/** How a client speaks TLS: whom it trusts, whom it asks for, and who it is. */
export interface ClientTls {
  readonly ca: string;
  readonly servername: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A client of one server, with connections of its own that are kept and bounded. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #origin: Origin;
  readonly #request: typeof httpRequest;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param headers sent with every request, e.g. `host`
   * @param tls undefined: plain HTTP
   */
  constructor(
    { host, port }: Origin,
    headers: Readonly<Record<string, string>> = {},
    tls?: ClientTls,
  ) {
    this.#origin = { host, port };
    this.#headers = headers;
    this.#request = tls ? httpsRequest : httpRequest;
    const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
    this.#agent = tls ? new TlsAgent({ ...options, ...tls }) : new Agent(options);
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpRecord> {
    return this.send({ path, headers });
  }

  send({
    path,
    method = "GET",
    headers = {},
    timeoutMs = TIMEOUT_MS,
  }: HttpRequest): Promise<HttpRecord> {
    const sentAt = performance.now();
    const done = (answer: Omit<HttpRecord, "sentAt" | "ms">): HttpRecord => ({
      ...answer,
      sentAt,
      ms: performance.now() - sentAt,
    });
    return new Promise((resolve) => {
      const fail = (error: Error): void =>
        resolve(done({ status: 0, headers: {}, body: "", error: error.message }));
      const all = { ...this.#headers, ...headers };
      const options = { ...this.#origin, path, method, headers: all, agent: this.#agent };
      const request = this.#request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", fail);
        response.once("end", () => {
          const body = Buffer.concat(chunks).toString("utf8");
          resolve(done({ status: response.statusCode ?? 0, headers: response.headers, body }));
        });
      });
      request.setTimeout(timeoutMs, () =>
        request.destroy(new Error(`no answer to ${path} within ${timeoutMs} ms`)),
      );
      request.once("error", fail);
      request.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What is wrong with a record, or undefined if it is a 200. */
export function failure({ status, error, body }: HttpRecord): string | undefined {
  if (status === 200) return undefined;
  return error ?? `${status} ${body.slice(0, 200)}`.trim();
}
