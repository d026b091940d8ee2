/**
 * The sample applications, one image for all: `node main.ts APP`. Bookinfo is four of them; the
 * others are what the exercises and the tests call and are called by. No dependencies.
 */
import { callFromArguments } from "./client.ts";
import { details } from "./details.ts";
import { followFromArguments } from "./follow.ts";
import { httpbin } from "./httpbin.ts";
import { loadFromArguments } from "./load.ts";
import { productpage } from "./productpage.ts";
import { ratings } from "./ratings.ts";
import { reviews } from "./reviews.ts";
import { serve, untilTerminated } from "./server.ts";
import { tcpEcho } from "./tcp-echo.ts";

const env = process.env;
const port = Number(env["PORT"] ?? 9080);
const version = env["VERSION"] ?? "v1";
const domain = env["SERVICES_DOMAIN"] ? `.${env["SERVICES_DOMAIN"]}` : "";
const serviceUrl = (name: string): string =>
  env[`${name.toUpperCase()}_URL`] ?? `http://${name}${domain}:9080`;

const apps: Readonly<Record<string, () => Promise<void>>> = {
  productpage: () =>
    serve(port, productpage({ details: serviceUrl("details"), reviews: serviceUrl("reviews") })),
  details: () => serve(port, details),
  reviews: () => serve(port, reviews(version, serviceUrl("ratings"))),
  ratings: () => serve(port, ratings()),
  httpbin: () => serve(port, httpbin(version)),
  "tcp-echo": () => tcpEcho((env["PORTS"] ?? "9000").split(",").map(Number), env["PREFIX"] ?? ""),
  /** Waits to be used: `kubectl exec deploy/client -- node main.ts call '{"url": "http://…"}'`. */
  client: () => untilTerminated(),
  call: () => callFromArguments(process.argv.slice(3)),
  follow: () => followFromArguments(process.argv.slice(3)),
  load: () => loadFromArguments(process.argv.slice(3)),
};

const name = process.argv[2] ?? "";
const app = apps[name];
if (app === undefined) {
  process.stderr.write(`unknown app "${name}": use one of ${Object.keys(apps).join(", ")}\n`);
  process.exitCode = 2;
} else {
  await app();
}
