/**
 * One end of a connection, in the network that it is started in:
 *   serve '{"8080": "app"}'           tells each client of a port the port's name
 *   connect '{"host", "port", "uid"}' prints what the other end says, or why there is none
 */
import { createConnection, createServer } from "node:net";
import { text } from "node:stream/consumers";

interface Target {
  readonly host: string;
  readonly port: number;
  /** User and group to be. */
  readonly uid: number;
  /** Source address. */
  readonly from?: string;
}

const [verb, argument = ""] = process.argv.slice(2);
if (verb === "serve") serve(JSON.parse(argument) as Readonly<Record<string, string>>);
else await connect(JSON.parse(argument) as Target);

function serve(names: Readonly<Record<string, string>>): void {
  let waiting = Object.keys(names).length;
  for (const [port, name] of Object.entries(names)) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.end(name);
    });
    server.listen({ host: "::", port: Number(port) }, () => {
      waiting -= 1;
      if (waiting === 0) process.stdout.write("ready\n");
    });
  }
}

async function connect({ host, port, uid, from }: Target): Promise<void> {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
  const socket = createConnection({
    host,
    port,
    timeout: 3000,
    ...(from && { localAddress: from }),
  });
  socket.on("timeout", () => socket.destroy(new Error("timeout")));
  const said = await text(socket).catch((error: unknown) =>
    error instanceof Error && "code" in error ? String(error.code) : String(error),
  );
  process.stdout.write(said);
}
