/** Ports for servers that are told their port before they listen. */
import { createServer } from "node:net";

/**
 * Below what the kernel gives to whoever asks for any port, and below Kubernetes' node ports: nobody
 * gets one of these by chance between the moment it is handed out and the moment it is used.
 */
const FIRST = 20_000;
const COUNT = 10_000;

/** Test files run in processes of their own: each begins elsewhere. */
let next = process.pid * 16;

/** A port of 127.0.0.1 that nobody listens on; a process is handed each only once in ten thousand. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error(`every port from ${FIRST} to ${FIRST + COUNT - 1} is taken`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
