/** The API server asked directly: cheap enough to ask ten times a second, and exact in time. */
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubeObject } from "../../src/api/object.ts";

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

export class KubeApi {
  readonly #config = new KubeConfig();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #server: string;

  constructor(kubeconfig: string | undefined) {
    if (kubeconfig) this.#config.loadFromFile(kubeconfig);
    else this.#config.loadFromDefault();
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined)
      throw new Error(
        "the kubeconfig has no current context: choose one with `kubectl config use-context`",
      );
    this.#server = server;
  }

  /** An object, or undefined if there is none. */
  async get<T = KubeObject>(path: string): Promise<T | undefined> {
    const { status, body } = await this.send<T>("GET", path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async list<T = KubeObject>(path: string): Promise<readonly T[]> {
    return (await this.get<{ items: readonly T[] }>(path))?.items ?? [];
  }

  /** One request. A refusal is an answer; only a broken connection throws. */
  async send<T>(method: string, path: string, content?: Content): Promise<ApiAnswer<T>> {
    const headers = {
      accept: "application/json",
      ...(content && {
        "content-type": content.type,
        // Node leaves it out of a DELETE, and the server takes the body for another request.
        "content-length": Buffer.byteLength(content.body),
      }),
    };
    const options: RequestOptions = { method, headers };
    await this.#config.applyToHTTPSOptions(options);
    const url = new URL(path, this.#server);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { ...options, agent: this.#agent });
      request.once("error", reject);
      request.setTimeout(10_000, () =>
        request.destroy(new Error(`${method} ${path}: no answer within 10 s`)),
      );
      request.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, body: parse(text) as T });
        });
      });
      request.end(content?.body);
    });
  }

  /** Lets go of the connections, so that the process may end. */
  close(): void {
    this.#agent.destroy();
  }
}

export interface Content {
  readonly type: string;
  readonly body: string;
}

/** A part of an object to change (RFC 7396). */
export const mergePatch = (change: unknown): Content => ({
  type: "application/merge-patch+json",
  body: JSON.stringify(change),
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // `/readyz` and its like answer in plain text.
    return text;
  }
}
