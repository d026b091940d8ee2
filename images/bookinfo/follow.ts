/** Watches what one URL answers, from inside a pod: a line of JSON each time a header changes. */
import { setTimeout as delay } from "node:timers/promises";
import { call } from "./client.ts";

/** What to watch, as JSON: `{"url": "http://httpbin:8000/", "header": "x-mark"}`. */
export interface Follow {
  readonly url: string;
  /** A response header, in lower case. */
  readonly header: string;
  /** Between an answer and the next request. */
  readonly pauseMs?: number;
}

export interface Seen {
  readonly status: number;
  readonly value: string;
}

/** Until its input ends. */
export async function followFromArguments([json = "{}"]: readonly string[]): Promise<void> {
  const { url, header, pauseMs = 100 } = JSON.parse(json) as Follow;
  let last = "";
  let ended = false;
  process.stdin.resume().once("end", () => {
    ended = true;
  });
  while (!ended) {
    const [record] = await call({ url });
    const seen: Seen = {
      status: record?.status ?? 0,
      value: String(record?.headers[header] ?? ""),
    };
    const line = JSON.stringify(seen);
    if (line !== last) process.stdout.write(`${line}\n`);
    last = line;
    await delay(pauseMs);
  }
}
