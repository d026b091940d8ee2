/** One TCP connection of a pod: its messages are answered, or go on to the cluster's resolver. */
import { connect, type Socket } from "node:net";
import { Frames, frame } from "./frames.ts";
import type { Address } from "./resolver.ts";

export interface StreamOptions {
  /** @returns the answer; `undefined` sends the message on, `null` ends the connection */
  readonly respond: (message: Buffer) => Promise<Buffer | null> | Buffer | undefined;
  readonly resolver: () => Address | undefined;
  readonly idleMs: number;
}

/** More unread answers than this, and the asker is not reading. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Answers come as they are ready, as https://www.rfc-editor.org/rfc/rfc7766#section-7 allows. */
export function serveStream(client: Socket, options: StreamOptions): void {
  let upstream: Socket | undefined;
  const end = (): void => {
    client.destroy();
    upstream?.destroy();
  };
  const reply = (message: Buffer): void => {
    if (client.writableLength > MAX_UNREAD_BYTES) end();
    else client.write(frame(message));
  };
  const forward = (message: Buffer): void => {
    upstream ??= connectTo(options.resolver(), reply, end);
    if (upstream === undefined || upstream.writableLength > MAX_UNREAD_BYTES) end();
    else upstream.write(frame(message));
  };
  const frames = new Frames();
  client.on("data", (chunk: Buffer) => {
    for (const message of frames.take(chunk)) {
      const answered = options.respond(message);
      if (answered === undefined) forward(message);
      else if (Buffer.isBuffer(answered)) reply(answered);
      else void answered.then((later) => (later === null ? end() : reply(later)), end);
    }
  });
  client.setTimeout(options.idleMs, end);
  client.on("error", end);
  client.on("close", end);
}

function connectTo(
  address: Address | undefined,
  reply: (message: Buffer) => void,
  end: () => void,
): Socket | undefined {
  if (address === undefined) return undefined;
  const socket = connect(address);
  const frames = new Frames();
  socket.on("data", (chunk: Buffer) => frames.take(chunk).forEach(reply));
  socket.on("error", end);
  socket.on("close", end);
  return socket;
}
