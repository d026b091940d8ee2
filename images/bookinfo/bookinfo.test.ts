import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { call } from "./client.ts";

const running: AbortController[] = [];

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts one application and waits until it says that it listens. */
async function start(app: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const port = await freePort();
  const controller = new AbortController();
  running.push(controller);
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), app], {
    env: { ...process.env, ...env, PORT: String(port), PORTS: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
    signal: controller.signal,
    killSignal: "SIGKILL",
  });
  // Its end, which `after` brings about, is reported as an error.
  child.on("error", () => undefined);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return port;
}

const url = (port: number, path = ""): string => `http://127.0.0.1:${port}${path}`;

after(() => running.forEach((controller) => controller.abort()));

describe("bookinfo", () => {
  let productpage = 0;
  let reviews = 0;

  before(async () => {
    const [ratings, details] = await Promise.all([start("ratings"), start("details")]);
    reviews = await start("reviews", { VERSION: "v2", RATINGS_URL: url(ratings) });
    productpage = await start("productpage", {
      DETAILS_URL: url(details),
      REVIEWS_URL: url(reviews),
    });
  });

  test("the page shows the reviews, their stars and the version that served them", async () => {
    const response = await fetch(url(productpage, "/productpage"));
    const html = await response.text();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-reviews-version"), "v2");
    assert.match(html, /style="color:black" aria-label="5 of 5 stars">★★★★★</);
    assert.match(html, /reviews v2, served by /);
  });

  test("the API answers with the same as JSON", async () => {
    const response = await fetch(url(productpage, "/api/v1/products/0/reviews"));
    const body = (await response.json()) as { version: string; reviews: { rating: unknown }[] };
    assert.equal(body.version, "v2");
    assert.deepEqual(body.reviews[0]?.rating, { stars: 5, color: "black" });
  });

  test("who signed in is passed on as end-user, whatever a header from outside says", async () => {
    const spy = await start("httpbin");
    const page = await start("productpage", { REVIEWS_URL: url(spy, "/anything") });
    const login = await fetch(url(page, "/login"), {
      method: "POST",
      body: new URLSearchParams({ username: "jason" }),
      redirect: "manual",
    });
    const [cookie = ""] = (login.headers.get("set-cookie") ?? "").split(";");
    const seen = async (headers: Record<string, string>): Promise<unknown> => {
      const response = await fetch(url(page, "/api/v1/products/0/reviews"), { headers });
      return ((await response.json()) as { headers: Record<string, string> }).headers["end-user"];
    };
    assert.equal(await seen({ cookie }), "jason");
    assert.equal(await seen({ "end-user": "jason" }), undefined);
  });

  test("without ratings the reviews are shown all the same", async () => {
    const lonely = await start("reviews", { VERSION: "v3", RATINGS_URL: url(await freePort()) });
    const response = await fetch(url(lonely, "/reviews/0"));
    const body = (await response.json()) as { version: string; reviews: { rating: unknown }[] };
    assert.equal(body.version, "v3");
    assert.deepEqual(body.reviews[0]?.rating, {
      error: "Ratings service is currently unavailable",
    });
  });
});

test("httpbin answers with the wanted status, and late where asked to", async () => {
  const httpbin = await start("httpbin");
  const [refused] = await call({ url: url(httpbin, "/status/503") });
  const [late] = await call({ url: url(httpbin, "/delay/0.2") });
  assert.equal(refused?.status, 503);
  assert.equal(late?.status, 200);
  assert.ok((late?.ms ?? 0) >= 200, `answered after ${late?.ms} ms`);
});

test("tcp-echo prefixes each line, and the client counts its calls", async () => {
  const echo = await start("tcp-echo", { PREFIX: "two" });
  const records = await call({
    url: `tcp://127.0.0.1:${echo}`,
    body: "hello",
    count: 5,
    concurrency: 2,
  });
  assert.deepEqual(
    records.map(({ body }) => body),
    Array.from({ length: 5 }, () => "two hello"),
  );
});
