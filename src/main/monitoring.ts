import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a path answers: text as it is, anything else as JSON. */
export type Page = (query: URLSearchParams) => Answer | Promise<Answer>;

export interface Answer {
  readonly status?: number;
  readonly body: unknown;
  readonly type?: string;
}

/** The process's plain HTTP port: health, metrics, debugging. GET only; it changes nothing. */
export class Monitoring {
  readonly #server: Server;

  constructor(pages: Readonly<Record<string, Page>>) {
    this.#server = createServer((request, response) => {
      const answer = async (): Promise<Answer> => {
        // What is no URL at all, e.g. "//", is null.
        const url = URL.parse(request.url ?? "/", "http://monitoring");
        const page = url && Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : undefined;
        return url === null || page === undefined
          ? { status: 404, body: `${Object.keys(pages).join("\n")}\n` }
          : page(url.searchParams);
      };
      answer().then(
        ({ status = 200, body, type }) => {
          const isText = typeof body === "string";
          response.writeHead(status, {
            "content-type": type ?? (isText ? "text/plain" : "application/json"),
          });
          response.end(isText ? body : `${JSON.stringify(body, null, 2)}\n`);
        },
        (error: unknown) => {
          response.writeHead(500);
          response.end(`${String(error)}\n`);
        },
      );
    });
  }

  /** @returns the port */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen({ port, host });
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
