/**
 * Both ends of a gRPC call, each as a program of its own: `serve {"ADDRESS": "VERSION"}` answers with
 * a version on each address, `call TARGET [USER]` makes as many calls as each line of its input says
 * and writes, as JSON, how many answers there were of each kind. grpc-client/main.go does the same.
 */
import { createInterface } from "node:readline";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";

const PORT = 9080;
const METHOD = "/meshwright.test.Versions/Get";
const DEADLINE_MS = 20_000;

/** A `google.protobuf.StringValue`. */
const encoded = (text: string): Buffer =>
  Buffer.concat([Buffer.from([10, text.length]), Buffer.from(text)]);
const decoded = (bytes: Buffer): string => bytes.subarray(2).toString();

async function serve(versions: Readonly<Record<string, string>>): Promise<void> {
  for (const [address, version] of Object.entries(versions)) {
    const server = new Server();
    const get = {
      path: METHOD,
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => bytes,
      requestSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: decoded,
      responseSerialize: encoded,
    };
    server.addService(
      { Get: get },
      { Get: (_: unknown, done: (error: null, answer: string) => void) => done(null, version) },
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.bindAsync(`${address}:${PORT}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
    await promise;
  }
  process.stdout.write("serving\n");
}

function call(client: Client, metadata: Metadata): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { deadline: Date.now() + DEADLINE_MS, waitForReady: true };
  const settle = (error: ServiceError | null, answer?: string): void => {
    if (error !== null) process.stderr.write(`${error.message}\n`);
    resolve(error === null ? String(answer) : String(status[error.code]));
  };
  client.makeUnaryRequest(
    METHOD,
    (bytes: Buffer) => bytes,
    decoded,
    Buffer.alloc(0),
    metadata,
    options,
    settle,
  );
  return promise;
}

async function callAll(target: string, user: string): Promise<void> {
  register();
  const client = new Client(target, credentials.createInsecure());
  const metadata = new Metadata();
  if (user !== "") metadata.set("end-user", user);
  for await (const line of createInterface({ input: process.stdin })) {
    const counts: Record<string, number> = {};
    for (let left = Number(line); left > 0; left--) {
      const answer = await call(client, metadata);
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
    process.stdout.write(`${JSON.stringify(counts)}\n`);
  }
  client.close();
}

const [command, first = "", second = ""] = process.argv.slice(2);
if (command === "serve") await serve(JSON.parse(first) as Readonly<Record<string, string>>);
else await callAll(first, second);
