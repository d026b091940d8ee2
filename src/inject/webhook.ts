import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { parseReview, reviewOf } from "./admission.ts";
import { admit, type InjectorOptions } from "./injector.ts";

interface ServingCertificate {
  readonly certChainPem: string;
  readonly keyPem: string;
}

/** Larger than any object of the API server, with its old and new state in one review. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** For what an answer may have to wait for; the API server itself gives up after 10 s. */
const DEADLINE_MS = 3_000;
/** Longer than the API server's 90 s: if we were first to close, it might be sending a review just then. */
const KEEP_ALIVE_MS = 120_000;
/** For answers that are under way when the server closes. */
const CLOSE_MS = 2_000;

/** The injector's HTTPS server: `/inject` (also with Istio's path parameters) and `/healthz`. */
export class Webhook {
  readonly #server: Server;
  readonly #options: InjectorOptions;

  constructor(certificate: ServingCertificate, options: InjectorOptions) {
    this.#options = options;
    this.#server = createServer({ ...tls(certificate), minVersion: "TLSv1.2" }, (req, res) => {
      this.#serve(req, res).catch((error: unknown) => {
        options.log("error", `webhook ${req.url}: ${String(error)}`);
        if (!res.headersSent) res.writeHead(500);
        res.end();
      });
    });
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  /** Serves until `close`; port 0 takes a free one. @returns the port */
  async listen(port: number, host?: string): Promise<number> {
    this.#server.listen({ port, host });
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open go on; new ones see the new certificate. */
  renew(certificate: ServingCertificate): void {
    this.#server.setSecureContext({ ...tls(certificate), minVersion: "TLSv1.2" });
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "https://webhook").pathname;
    if (path === "/healthz") return answer(response, 200, "ok\n");
    if (path !== "/inject" && !path.startsWith("/inject/"))
      return answer(response, 404, `no such path: ${path}\n`);
    if (request.method !== "POST") return answer(response, 405, "POST an AdmissionReview\n");
    const body = await read(request);
    if (body === undefined) return answer(response, 413, "the AdmissionReview is too large\n");
    const review = parseReview(body);
    if (review === undefined)
      return answer(response, 400, "the body is no AdmissionReview of admission.k8s.io/v1\n");
    const result = await admit(review, this.#options, AbortSignal.timeout(DEADLINE_MS));
    answer(response, 200, JSON.stringify(reviewOf(result)));
  }
}

const tls = ({ certChainPem, keyPem }: ServingCertificate) => ({ cert: certChainPem, key: keyPem });

function answer(response: ServerResponse, status: number, body: string): void {
  const type = body.startsWith("{") ? "application/json" : "text/plain";
  response.writeHead(status, { "content-type": type });
  response.end(body);
}

/** The whole body; `undefined` if it is larger than anything that may come. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
