import { connect } from "node:net";
import type { Origin } from "./http.ts";

const TIMEOUT_MS = 10_000;

/** Sends one line over a connection of its own and returns the line that comes back. */
export function talk(origin: Origin, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = "";
    const socket = connect(origin, () => socket.write(`${line}\n`));
    socket.setTimeout(TIMEOUT_MS, () =>
      socket.destroy(new Error(`no line came back within ${TIMEOUT_MS} ms`)),
    );
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed before a line came back")));
    socket.setEncoding("utf8").on("data", (text: string) => {
      read += text;
      if (!read.includes("\n")) return;
      resolve(read.trimEnd());
      socket.destroy();
    });
  });
}
