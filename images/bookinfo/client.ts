/** Requests from inside a pod: one JSON line of the wish as argument, one JSON line of records out. */
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What to do, as JSON: `{"url": "http://httpbin:8000/get", "count": 100}`. */
export interface Call {
  /** `http://…` or `tcp://host:port` (one line sent, one line read back). */
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly count?: number;
  readonly concurrency?: number;
  readonly timeoutMs?: number;
  /**
   * Starts requests at this rate over all workers, whatever the answers take; `ms` then counts from
   * when a request was due, so that a slow answer is not hidden by the requests it delayed.
   */
  readonly perSecond?: number;
  /** One connection per worker for all its requests; otherwise one per request. */
  readonly keepAlive?: boolean;
}

export interface CallRecord {
  /** 0: no answer; `error` says why. */
  readonly status: number;
  readonly ms: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly error?: string;
}

type Attempt = Omit<CallRecord, "ms">;

export async function callFromArguments([json = "{}"]: readonly string[]): Promise<void> {
  const records = await call(JSON.parse(json) as Call);
  process.stdout.write(`${JSON.stringify(records)}\n`);
}

export async function call(wish: Call): Promise<CallRecord[]> {
  const { count = 1, concurrency = 1, keepAlive = true, perSecond } = wish;
  const agent = new Agent({ keepAlive, maxSockets: concurrency });
  const records: CallRecord[] = [];
  const begin = performance.now();
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < count) {
      const due = perSecond ? begin + (started / perSecond) * 1_000 : performance.now();
      started += 1;
      await delay(Math.max(0, due - performance.now()));
      records.push(await timed(due, () => attempt(wish, agent)));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  agent.destroy();
  return records;
}

async function timed(start: number, run: () => Promise<Attempt>): Promise<CallRecord> {
  const record = await run();
  return { ...record, ms: Math.round((performance.now() - start) * 10) / 10 };
}

function attempt(wish: Call, agent: Agent): Promise<Attempt> {
  return wish.url.startsWith("tcp://") ? overTcp(wish) : overHttp(wish, agent);
}

const failed = (error: Error): Attempt => ({
  status: 0,
  headers: {},
  body: "",
  error: "code" in error ? String(error.code) : error.message,
});

function overHttp(wish: Call, agent: Agent): Promise<Attempt> {
  const { url, method = "GET", headers = {}, body = "", timeoutMs = 10_000 } = wish;
  return new Promise((resolve) => {
    const request = httpRequest(url, { method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", (error) => resolve(failed(error)));
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    request.once("error", (error) => resolve(failed(error)));
    request.end(body);
  });
}

function overTcp({ url, body = "hello", timeoutMs = 10_000 }: Call): Promise<Attempt> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let read = "";
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    socket.once("connect", () => socket.write(`${body}\n`));
    socket.once("error", (error) => resolve(failed(error)));
    socket.once("close", () => resolve(failed(new Error("closed without an answer"))));
    socket.on("data", (chunk: Buffer) => {
      read += chunk.toString("utf8");
      if (!read.includes("\n")) return;
      resolve({ status: 200, headers: {}, body: read.trimEnd() });
      socket.destroy();
    });
  });
}
