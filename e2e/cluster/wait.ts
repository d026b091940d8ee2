import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until `condition` holds. An error it throws counts as not yet.
 *
 * @throws Error that names what was waited for, with the last error, after `deadlineMs`
 */
export async function until(
  what: string,
  deadlineMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
    } catch (error) {
      // Things fail while they start; the last reason is told if they never do.
      cause = error;
    }
    await delay(50);
  }
  throw new Error(`waited ${deadlineMs / 1000} s in vain until ${what}`, { cause });
}
