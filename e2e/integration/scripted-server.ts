/**
 * A delta ADS server that decides nothing: it records what the client says and sends what the test
 * tells it to, so that tests show what Envoy does and not what our server makes of it.
 */
import type { TestContext } from "node:test";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { encodeDelta, unframed } from "../../src/proto/frame.ts";
import { DeltaDiscoveryRequest } from "../../src/proto/gen/envoy/service/discovery/v3/discovery.ts";
import { TYPE_URLS } from "../../src/proto/type-url.ts";
import type { EncodedResource, ResourceType } from "../../src/xds/resource.ts";
import { waitFor } from "../harness/wait.ts";

const DEADLINE_MS = 10_000;

export interface Heard {
  readonly stream: number;
  readonly type: ResourceType;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly nonce: string;
  readonly error: string | undefined;
}

type Stream = ServerDuplexStream<DeltaDiscoveryRequest, Buffer>;

const DELTA = {
  delta: {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    requestStream: true,
    responseStream: true,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => DeltaDiscoveryRequest.decode(bytes),
    responseSerialize: unframed,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} as const;

export class ScriptedServer {
  readonly heard: Heard[] = [];
  readonly #server = new Server();
  #stream: Stream | undefined;
  #streams = 0;
  #nonces = 0;
  port = 0;

  static async start(t: TestContext): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.#server.addService(DELTA, { delta: (call: Stream) => scripted.#accept(call) });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    scripted.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
    scripted.port = await promise;
    t.after(() => scripted.#server.forceShutdown());
    return scripted;
  }

  /** @returns the nonce */
  send(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[] = [],
  ): string {
    const nonce = `n${++this.#nonces}`;
    this.#stream?.write(encodeDelta({ typeUrl: TYPE_URLS[type], nonce, resources, removed }));
    return nonce;
  }

  /** Ends the client's stream; it comes back by itself. */
  disconnect(): void {
    this.#stream?.end();
  }

  /** Waits until the client has said something. */
  async hears(what: string, matches: (heard: Heard) => boolean): Promise<Heard> {
    const diagnose = async (): Promise<string> =>
      this.heard.map((one) => JSON.stringify(one)).join("\n");
    return waitFor({ description: what, deadlineMs: DEADLINE_MS, intervalMs: 5, diagnose }, () =>
      this.heard.find(matches),
    );
  }

  /** Waits until the client asks for a name. */
  asksFor(type: ResourceType, name?: string): Promise<Heard> {
    return this.hears(
      `request for ${type} ${name ?? ""}`,
      (heard) =>
        heard.type === type &&
        heard.nonce === "" &&
        (name === undefined || heard.subscribe.includes(name)),
    );
  }

  /** Waits for the answer to a response: `undefined` is ACK, else Envoy's words. */
  async verdict(nonce: string): Promise<string | undefined> {
    return (await this.hears(`answer to ${nonce}`, (heard) => heard.nonce === nonce)).error;
  }

  /** Whether the client has answered a response by now. */
  hasAnswered(nonce: string): boolean {
    return this.heard.some((heard) => heard.nonce === nonce);
  }

  #accept(call: Stream): void {
    this.#stream = call;
    const stream = ++this.#streams;
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("data", (request: DeltaDiscoveryRequest) =>
      this.heard.push({
        stream,
        type: (request.typeUrl ?? "").split(".").at(-1) as ResourceType,
        subscribe: request.resourceNamesSubscribe ?? [],
        unsubscribe: request.resourceNamesUnsubscribe ?? [],
        versions: request.initialResourceVersions ?? {},
        nonce: request.responseNonce ?? "",
        error: request.errorDetail?.message,
      }),
    );
  }
}
