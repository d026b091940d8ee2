/** Waiting for a condition: never for a time. */
import { setTimeout as delay } from "node:timers/promises";

export interface Wait {
  /** What is waited for, in words that make sense after "no". */
  readonly description: string;
  readonly deadlineMs: number;
  readonly intervalMs?: number;
  /** What a person needs to see when it did not come. */
  readonly diagnose?: (() => Promise<string>) | undefined;
}

const INTERVAL_MS = 100;

/**
 * Calls `probe` until it returns something other than `undefined` or `false`, and returns that.
 * A probe that throws says why it is not so yet; the last reason is part of the error.
 *
 * @throws Error naming what it waited for, for how long, the last reason, and the diagnosis
 */
export async function waitFor<T>(
  wait: Wait,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const { description, deadlineMs, intervalMs = INTERVAL_MS, diagnose } = wait;
  const start = performance.now();
  let reason = "";
  while (true) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      // Not yet: what a probe throws is what the wait is for.
      reason = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() - start >= deadlineMs) break;
    await delay(intervalMs);
  }
  const because = reason && `: ${reason}`;
  const facts = diagnose ? `\n${await diagnose().catch(String)}` : "";
  throw new Error(`no ${description} within ${deadlineMs / 1000} s${because}${facts}`);
}
