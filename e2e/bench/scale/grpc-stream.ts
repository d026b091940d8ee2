/**
 * A bidirectional gRPC stream on a connection of its own, and nothing of what a client library keeps
 * and copies besides: hundreds of them in one process must cost less than what they measure.
 */
import { type ClientHttp2Stream, connect } from "node:http2";

export interface StreamTarget {
  readonly address: string;
  /** In the server's certificate. */
  readonly serverName: string;
  readonly root: Buffer;
  readonly path: string;
  readonly token: string;
}

export interface StreamEvents {
  message(bytes: Buffer): void;
  /** The stream is over, or never came to be; once. */
  ended(why: string): void;
}

/** Compressed or not, and the length. */
const PREFIX_BYTES = 5;

/** As Envoy's: what is on its way is bounded by who sends it. */
const WINDOW_BYTES = 2 ** 24;

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export class GrpcStream {
  readonly #stream: ClientHttp2Stream;
  readonly #events: StreamEvents;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isOver = false;

  constructor({ address, serverName, root, path, token }: StreamTarget, events: StreamEvents) {
    this.#events = events;
    const session = connect(`https://${address}`, {
      ca: root,
      servername: serverName,
      settings: { initialWindowSize: WINDOW_BYTES },
    });
    session.once("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
    session.on("error", (error) => this.#end(String(error)));
    this.#stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${token}`,
    });
    this.#stream.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#stream.on("error", (error) => this.#end(String(error)));
    this.#stream.on("trailers", ({ "grpc-status": status, "grpc-message": message }) =>
      this.#end(`status ${status}: ${message}`),
    );
    this.#stream.on("close", () => this.#end("closed"));
  }

  write(message: Buffer): void {
    const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
    framed.writeUInt8(0, 0);
    framed.writeUInt32BE(message.length, 1);
    message.copy(framed, PREFIX_BYTES);
    this.#stream.write(framed);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (let wanted = this.#wanted(); this.#bytes >= wanted; wanted = this.#wanted()) {
      const [first = chunk] = this.#chunks;
      const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#bytes);
      this.#chunks = all.length > wanted ? [all.subarray(wanted)] : [];
      this.#bytes = all.length - wanted;
      this.#events.message(all.subarray(PREFIX_BYTES, wanted));
    }
  }

  /** Bytes of the next message and its prefix. */
  #wanted(): number {
    if (this.#bytes < PREFIX_BYTES) return PREFIX_BYTES + 1;
    let [first] = this.#chunks;
    if (first === undefined || first.length < PREFIX_BYTES) {
      first = Buffer.concat(this.#chunks, this.#bytes);
      this.#chunks = [first];
    }
    return PREFIX_BYTES + first.readUInt32BE(1);
  }

  #end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.ended(why);
  }
}
