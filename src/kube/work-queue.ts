/**
 * Keys that need work. A key waits in the queue once, however often it is added; it is worked on by
 * one run at a time, and a key that is added during its run is run again after it.
 */
import type { Log } from "../util/log.ts";
import { errorFields } from "../util/log.ts";
import { counter, gauge, histogram } from "../util/metrics.ts";
import { backoffMs } from "./backoff.ts";
import { ApiError } from "./error.ts";

const runs = counter("meshwright_reconcile_total", "Runs of the work queue", ["queue", "result"]);
const seconds = histogram("meshwright_reconcile_seconds", "How long runs took", {
  labelNames: ["queue"],
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
});
const depth = gauge("meshwright_workqueue_depth", "Keys that wait for a run", ["queue"]);

export interface WorkQueueOptions {
  readonly name: string;
  readonly log: Log;
  /** @returns after how many milliseconds to run again; `undefined` when only an event can help */
  readonly run: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Runs end with it, and nothing is run after. */
  readonly signal: AbortSignal;
  /** How many runs at once; absent: as many as there are keys. */
  readonly concurrency?: number;
  readonly baseMs?: number;
  readonly maxMs?: number;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  readonly #delayed = new Map<string, { readonly timer: NodeJS.Timeout; readonly at: number }>();
  readonly #failures = new Map<string, number>();
  #idle = Promise.withResolvers<void>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#idle.resolve();
    options.signal.addEventListener("abort", () => this.#stop(), { once: true });
  }

  /** At once, or as soon as the run that is under way has ended. A key that failed waits its time. */
  add(key: string): void {
    if (this.#options.signal.aborted) return;
    if (this.#failures.has(key) && !this.#running.has(key)) return;
    this.#take(key);
  }

  /** At once even if it failed: something changed that may be the remedy. */
  retry(key: string): void {
    if (this.#options.signal.aborted) return;
    this.#failures.delete(key);
    this.#take(key);
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.#idle.promise;
  }

  #take(key: string): void {
    this.#undelay(key);
    this.#ready.add(key);
    this.#next();
  }

  #next(): void {
    const { name, signal, concurrency = Number.POSITIVE_INFINITY } = this.#options;
    depth.set({ queue: name }, this.#ready.size);
    if (signal.aborted) return;
    for (const key of this.#ready) {
      if (this.#running.size >= concurrency) return;
      if (this.#running.has(key)) continue;
      this.#ready.delete(key);
      if (this.#running.size === 0) this.#idle = Promise.withResolvers();
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const { name, run, signal } = this.#options;
    const end = seconds.startTimer({ queue: name });
    try {
      const againMs = await run(key, signal);
      this.#failures.delete(key);
      runs.inc({ queue: name, result: "success" });
      if (againMs !== undefined) this.#later(key, againMs);
    } catch (error) {
      // The edge: whatever went wrong, the key is run again, later and later.
      if (!signal.aborted) this.#failed(key, error);
    } finally {
      end();
      this.#running.delete(key);
      if (this.#running.size === 0) this.#idle.resolve();
      this.#next();
    }
  }

  #failed(key: string, error: unknown): void {
    const { name, log, baseMs = 200, maxMs = 30_000 } = this.#options;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    runs.inc({ queue: name, result: "error" });
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(asked, backoffMs(failures, { baseMs, maxMs }));
    const message = error instanceof Error ? error.message : String(error);
    log.warn(message, { key, retryMs: Math.round(waitMs), ...errorFields(error) });
    this.#ready.delete(key);
    this.#later(key, waitMs);
  }

  #later(key: string, ms: number): void {
    if (this.#ready.has(key) || this.#options.signal.aborted) return;
    const at = performance.now() + ms;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.at <= at) return;
    this.#undelay(key);
    this.#delayed.set(key, { at, timer: setTimeout(() => this.#take(key), ms) });
  }

  #undelay(key: string): void {
    clearTimeout(this.#delayed.get(key)?.timer);
    this.#delayed.delete(key);
  }

  #stop(): void {
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    this.#ready.clear();
  }
}
