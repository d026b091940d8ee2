/** Requests without a pause from inside a pod, until its input ends: a line of JSON for every few. */
import { setTimeout as delay } from "node:timers/promises";
import { type CallRecord, call } from "./client.ts";

/** What to send, as JSON: `{"url": "http://httpbin:8000/", "header": "x-mark"}`. */
export interface Load {
  readonly url: string;
  /** A response header to count by its values, in lower case. */
  readonly header?: string;
  readonly pauseMs?: number;
}

/** What came of the requests since the line before. */
export interface LoadReport {
  readonly requests: number;
  /** Of each that was not answered by 200, why. */
  readonly failures: readonly string[];
  /** How often which value of the header came. */
  readonly values: Readonly<Record<string, number>>;
}

/** Each few have connections of their own: new ones and kept ones take turns. */
const FEW = 10;

export async function loadFromArguments([json = "{}"]: readonly string[]): Promise<void> {
  const { url, header = "", pauseMs = 5 } = JSON.parse(json) as Load;
  let ended = false;
  process.stdin.resume().once("end", () => {
    ended = true;
  });
  while (!ended) {
    const records = await call({ url, count: FEW, concurrency: 2 });
    process.stdout.write(`${JSON.stringify(reportOf(records, header))}\n`);
    await delay(pauseMs);
  }
}

function reportOf(records: readonly CallRecord[], header: string): LoadReport {
  const values: Record<string, number> = {};
  for (const { headers } of records) {
    const value = String(headers[header] ?? "");
    values[value] = (values[value] ?? 0) + 1;
  }
  const failures = records.flatMap(({ status, error, body }) =>
    status === 200 ? [] : [error ?? `${status} ${body.slice(0, 200)}`],
  );
  return { requests: records.length, failures, values };
}
