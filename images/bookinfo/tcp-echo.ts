/** Sends back every line it gets behind a prefix: which version answered is what one reads. */
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { log, untilTerminated } from "./server.ts";

export async function tcpEcho(ports: readonly number[], prefix: string): Promise<void> {
  const open = new Set<Socket>();
  const servers = ports.map((port) =>
    createServer((socket) => echo(socket, prefix, open)).listen(port),
  );
  log({ message: "listening", ports, prefix });
  await untilTerminated();
  for (const server of servers) server.close();
  for (const socket of open) socket.end();
}

function echo(socket: Socket, prefix: string, open: Set<Socket>): void {
  open.add(socket);
  socket.on("close", () => open.delete(socket));
  // A caller that resets its connection ends that connection alone.
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket }).on("line", (line) => {
    if (socket.writable) socket.write(prefix ? `${prefix} ${line}\n` : `${line}\n`);
  });
}
