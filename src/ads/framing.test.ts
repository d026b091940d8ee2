import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import { framed, unframed } from "../proto/frame.ts";
import { sendFrames } from "./framing.ts";

const PATH = "/test.Frames/Stream";
const bytes = (message: Buffer): Buffer => message;

/** What a client of a server with such options receives of one frame, and whether it was copied. */
async function exchange(options: ConstructorParameters<typeof Server>[0], frame: Buffer) {
  let copies = 0;
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: (message: Buffer) => {
      copies += 1;
      return unframed(message);
    },
    responseDeserialize: bytes,
  } as const;
  const server = new Server(options);
  server.addService(
    { stream: method },
    {
      stream: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.write(frame);
        call.end();
      },
    },
  );
  const bound = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? bound.resolve(port) : bound.reject(error),
  );
  const client = new Client(`127.0.0.1:${await bound.promise}`, credentials.createInsecure());
  try {
    const call = client.makeBidiStreamRequest(PATH, bytes, bytes);
    const received = await call.toArray();
    return { received, copies };
  } finally {
    client.close();
    server.forceShutdown();
  }
}

const message = Buffer.from("a response of some length");

test("a frame goes out as it is: the library makes no copy of it", async () => {
  const { received, copies } = await exchange({ interceptors: [sendFrames] }, framed(message));
  assert.deepEqual(received, [message]);
  assert.equal(copies, 0, "grpc-js serializes messages elsewhere now: see sendFrames");
});

test("where the library insists on its own prefix, the client is sent the same", async () => {
  const { received, copies } = await exchange({}, framed(message));
  assert.deepEqual(received, [message]);
  assert.equal(copies, 1);
});
