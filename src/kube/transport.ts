/** HTTP to one API server, with the credentials of a kubeconfig or a pod, read anew as they rotate. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import * as http from "node:http";
import * as https from "node:https";
import { ApiError, type Refusal } from "./error.ts";
import type { Credentials } from "./service-account.ts";

export interface Request {
  /** In words, for messages: `list Service`. */
  readonly doing: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

const JSON_TYPE = "application/json";
const ANYTHING = `${JSON_TYPE}, */*;q=0.5`;

type RequestOptions = Omit<https.RequestOptions, "headers"> & {
  readonly headers: Readonly<Record<string, http.OutgoingHttpHeader | undefined>>;
};

type TlsOptions = Pick<
  https.AgentOptions,
  "ca" | "cert" | "key" | "servername" | "rejectUnauthorized"
>;

export class Transport {
  readonly #credentials: Credentials;
  readonly #userAgent: string;
  readonly #server: URL;
  #agent: { readonly fingerprint: string; readonly agent: http.Agent } | undefined;

  constructor(credentials: Credentials, userAgent: string) {
    this.#credentials = credentials;
    this.#userAgent = userAgent;
    this.#server = new URL(credentials.getCurrentCluster()?.server ?? "https://localhost:6443");
  }

  /**
   * The response once its headers are in and its status is 2xx.
   *
   * @throws ApiError for any other status, and with status 0 if there is no answer; the reason of
   *   `signal` if it aborts
   */
  async open(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(request, signal, true);
    if (response.statusCode !== undefined && response.statusCode < 300) return response;
    const text = await readText(response).catch(() => "");
    throw new ApiError(request.doing, refusal(response, text));
  }

  /** The body of the answer as text. @see open */
  async text(request: Request, signal: AbortSignal): Promise<string> {
    const response = await this.open(request, signal);
    try {
      return await readText(response);
    } catch (cause) {
      throw unreachable(request, signal, cause);
    }
  }

  /** Closes idle connections; requests that are under way go on. */
  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #send(request: Request, signal: AbortSignal, first: boolean): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const options = await this.#options(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    // Node frames no body of a DELETE by itself: the next request would be read as part of it.
    const length = { "content-length": Buffer.byteLength(body ?? "") };
    try {
      return await exchange(
        this.#url(request),
        { ...options, headers: { ...options.headers, ...length }, signal },
        body,
      );
    } catch (cause) {
      // A pooled connection may be closed by the server just as it is used: that says nothing yet.
      if (cause instanceof StaleConnection && first && request.method !== "POST")
        return this.#send(request, signal, false);
      throw unreachable(request, signal, cause instanceof StaleConnection ? cause.cause : cause);
    }
  }

  #url({ path, query = {} }: Request): URL {
    const url = new URL(this.#server);
    url.pathname = url.pathname.replace(/\/$/, "") + path;
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
    return url;
  }

  async #options({
    method,
    body,
    contentType,
    accept = ANYTHING,
  }: Request): Promise<RequestOptions> {
    const options: https.RequestOptions = {};
    await this.#credentials.applyToHTTPSOptions(options);
    const headers = {
      ...(options.headers as http.OutgoingHttpHeaders | undefined),
      accept,
      "user-agent": this.#userAgent,
      ...(body === undefined ? {} : { "content-type": contentType ?? JSON_TYPE }),
    };
    const auth = options.auth ? { auth: options.auth } : {};
    return { method, headers, agent: this.#agentFor(options), ...auth };
  }

  /** One pool as long as the credentials are the same; KubeConfig's own would keep the first for ever. */
  #agentFor(options: https.RequestOptions): http.Agent {
    if (this.#credentials.getCurrentCluster()?.proxyUrl && options.agent instanceof http.Agent)
      return options.agent;
    const tls = tlsOptions(options);
    const fingerprint = createHash("sha256").update(JSON.stringify(tls)).digest("hex");
    if (this.#agent?.fingerprint === fingerprint) return this.#agent.agent;
    const pool = { keepAlive: true, keepAliveMsecs: 30_000, maxFreeSockets: 4, timeout: 0 };
    const agent =
      this.#server.protocol === "http:"
        ? new http.Agent(pool)
        : new https.Agent({ ...pool, ...tls });
    this.#agent = { fingerprint, agent };
    return agent;
  }
}

function tlsOptions(options: https.RequestOptions): TlsOptions {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  return Object.fromEntries(
    Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  );
}

/** The connection was reused and was gone before a byte of the answer came. */
class StaleConnection extends Error {}

function exchange(
  url: URL,
  options: https.RequestOptions,
  body: string | undefined,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (url.protocol === "http:" ? http : https).request(url, options, resolve);
  request.on("error", (cause: NodeJS.ErrnoException) => {
    const stale = request.reusedSocket && (cause.code === "ECONNRESET" || cause.code === "EPIPE");
    reject(stale ? new StaleConnection("stale connection", { cause }) : cause);
  });
  request.end(body);
  return promise;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function unreachable({ doing }: Request, signal: AbortSignal, cause: unknown): unknown {
  if (signal.aborted && !isTimeout(signal.reason)) return signal.reason;
  const message = isTimeout(signal.reason) ? "no answer in time" : describe(cause);
  return new ApiError(doing, { status: 0, reason: "Unreachable", message }, cause);
}

const isTimeout = (reason: unknown): boolean =>
  reason instanceof DOMException && reason.name === "TimeoutError";

/** A refused connection to several addresses is an AggregateError without a message. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name);
}

function refusal(response: IncomingMessage, text: string): Refusal {
  const status = response.statusCode ?? 0;
  const said = parseStatus(text);
  const seconds = Number(response.headers["retry-after"]);
  return {
    status,
    reason: said.reason ?? response.statusMessage ?? String(status),
    message: said.message ?? (text.trim().slice(0, 300) || `HTTP ${status}`),
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

function parseStatus(text: string): { readonly reason?: string; readonly message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    // A proxy in between, or a server that is starting, answers in plain text.
    return {};
  }
}
