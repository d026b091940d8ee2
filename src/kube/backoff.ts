import { setTimeout as sleep } from "node:timers/promises";

/**
 * Full jitter: a random time up to a bound that doubles with each failure, so that clients that
 * failed together do not come back together.
 *
 * @param failures how many in a row, the last one included
 */
export function backoffMs(
  failures: number,
  { baseMs = 200, maxMs = 30_000, random = Math.random } = {},
): number {
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(failures, 20));
}

/** Waits, or stops waiting when `signal` aborts: then it returns as well. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await sleep(ms, undefined, { signal, ref: true });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
