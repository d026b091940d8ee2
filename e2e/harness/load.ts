/** Traffic that runs while something else happens. */
import { setTimeout as delay } from "node:timers/promises";
import type { HttpClient, HttpRecord, HttpRequest } from "./http.ts";

export interface Load {
  readonly client: HttpClient;
  readonly request: HttpRequest;
  /** How many requests are under way at most. */
  readonly concurrency?: number;
  /** Between a worker's answer and its next request. */
  readonly pauseMs?: number;
}

export interface RunningLoad {
  /** Every request that has ended, in the order of their ends. */
  readonly records: readonly HttpRecord[];
  /** Sends no more, waits for what is under way, and returns all. */
  stop(): Promise<readonly HttpRecord[]>;
}

/** Keeps sending one request until it is stopped. */
export function startLoad({ client, request, concurrency = 2, pauseMs = 5 }: Load): RunningLoad {
  const records: HttpRecord[] = [];
  const stopped = new AbortController();
  const worker = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      records.push(await client.send(request));
      await delay(pauseMs);
    }
  };
  const workers = Promise.all(Array.from({ length: concurrency }, worker));
  return {
    records,
    async stop() {
      stopped.abort();
      await workers;
      return records;
    },
  };
}

/** Sends one request `count` times. */
export async function sendMany(load: Load, count: number): Promise<HttpRecord[]> {
  const { client, request, concurrency = 4 } = load;
  const records: HttpRecord[] = [];
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      records.push(await client.send(request));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return records;
}
