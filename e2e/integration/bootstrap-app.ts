/**
 * An application with all that kubelet can probe, for a network of its own. It prints a line when
 * it listens, and takes commands on standard input: `sick` and `well`.
 *   bootstrap-app.ts '{"http": 8080, "https": 8443, "tcp": 9000, "grpc": 9090}' CERTIFICATE KEY
 */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";

const [ports = "", cert = "", key = ""] = process.argv.slice(2);
const { http, https, tcp, grpc } = JSON.parse(ports) as Readonly<Record<string, number>>;
let isWell = true;

/** Says what it was asked, so that a test sees what the proxy made of it. */
const answer: RequestListener = (request, response) => {
  const isRedirect = request.url === "/login";
  response.writeHead(isRedirect ? 302 : isWell ? 200 : 500, {
    ...(isRedirect && { location: "http://elsewhere/login" }),
  });
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
};

const bytes = (buffer: Buffer): Buffer => buffer;
const grpcServer = new GrpcServer();
grpcServer.addService(
  {
    check: {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  {
    // HealthCheckResponse.status: SERVING or NOT_SERVING
    check: (_: unknown, reply: (error: null, value: Buffer) => void) =>
      reply(null, Buffer.from([8, isWell ? 1 : 2])),
  },
);

const tcpServer: Server = createServer((socket) => socket.end());
createHttpServer(answer).listen(http, "::");
createHttpsServer({ cert, key, minVersion: "TLSv1.3" }, answer).listen(https, "::");
tcpServer.listen(tcp, "::");
grpcServer.bindAsync(`[::]:${grpc}`, ServerCredentials.createInsecure(), () =>
  process.stdout.write("ready\n"),
);

createInterface(process.stdin).on("line", (line) => {
  isWell = line === "well";
  if (isWell) tcpServer.listen(tcp, "::");
  else tcpServer.close();
});
