/**
 * The reflector: keeps a sink equal to what the API server has, for as long as its signal lasts.
 *
 * It lists, then watches from there. A watch that ends is resumed where it was; if the server no
 * longer knows that place (410) it lists again, and what vanished in the gap is missing from the
 * list, which `Sink.replace` takes as deleted. No failure of the server ends it.
 */
import type { Kind } from "../api/kinds.ts";
import { type KubeObject, objectKey } from "../api/object.ts";
import type { Sink } from "../store/sink.ts";
import { type Log, silent } from "../util/log.ts";
import { counter, gauge } from "../util/metrics.ts";
import { backoffMs, pause } from "./backoff.ts";
import type { Client, Selection, Status, WatchEvent } from "./client.ts";
import { ApiError, isApiError } from "./error.ts";

/** The server ends a watch after this long, at random so that not all end together. */
const WATCH_SECONDS = { from: 240, to: 480 } as const;
/** Bookmarks come about once a minute; a watch that is silent for longer than two is dead. */
const IDLE_MS = 150_000;
/** A server that takes a watch says so at once; one that has just started may take it and never say anything. */
const OPEN_MS = 15_000;

const lists = counter("meshwright_watch_lists_total", "Full lists made by reflectors", ["kind"]);
const failures = counter("meshwright_watch_failures_total", "Lists and watches that failed", [
  "kind",
]);
const lastEvent = gauge(
  "meshwright_watch_last_event_timestamp_seconds",
  "When a reflector last heard from the API server",
  ["kind"],
);

/**
 * The longest a watch waits before it tries again: short, so that a mesh catches up soon after an
 * outage of the API server. A refusal that names a time (429, 503) is heeded whatever it says.
 */
const RETRY_MS = 5_000;

export interface ReflectOptions<T extends KubeObject> extends Selection {
  readonly signal: AbortSignal;
  /** Drops what nobody reads before an object is kept; it must not change name or namespace. */
  readonly transform?: (object: T) => T;
  readonly log?: Log;
  /** Where there is no such place (404) or no permission there (403), nothing is there to be seen. */
  readonly mayBeRefused?: boolean;
  /** After this long without a sign of life the watch is opened anew. */
  readonly idleMs?: number;
  /** The same for the first sign of life. */
  readonly openMs?: number;
}

export interface Reflection {
  /** Resolves after the first complete list, or a refusal that may be; rejects if `signal` aborts before. */
  readonly synced: Promise<void>;
  /** Resolves after `signal` has aborted; rejects only if the sink threw, which is a bug. */
  readonly done: Promise<void>;
  /** Whether the last word from the API server was a success. */
  readonly healthy: () => boolean;
}

export function reflect<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  sink: Sink<T>,
  options: ReflectOptions<T>,
): Reflection {
  const reflector = new Reflector(client, kind, sink, options);
  const done = reflector.run();
  return { synced: reflector.synced, done, healthy: () => reflector.healthy };
}

class Reflector<T extends KubeObject> {
  readonly synced: Promise<void>;
  healthy = false;
  readonly #first = Promise.withResolvers<void>();
  readonly #client: Client;
  readonly #kind: Kind<T>;
  readonly #sink: Sink<T>;
  readonly #options: ReflectOptions<T>;
  readonly #log: Log;
  /** Where the watch goes on; `undefined` when only a list can tell. */
  #resourceVersion: string | undefined;
  /** In a row; a word from the server ends the row. */
  #failures = 0;
  /** Places that the server had forgotten, in a row: a list alone does not end this one. */
  #expirations = 0;
  #events = 0;

  constructor(client: Client, kind: Kind<T>, sink: Sink<T>, options: ReflectOptions<T>) {
    this.#client = client;
    this.#kind = kind;
    this.#sink = sink;
    this.#options = options;
    this.#log = options.log ?? silent;
    this.synced = this.#first.promise;
    // Nobody has to wait for it.
    this.synced.catch(() => {});
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        else await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (signal.aborted) break;
        // Recovers from what the server or the network did; a bug in the sink is not theirs.
        if (!(error instanceof ApiError)) throw error;
        await this.#failed(error);
      }
    }
    this.#first.reject(signal.reason);
  }

  async #list(): Promise<void> {
    const { signal, transform = (object: T) => object } = this.#options;
    const objects: T[] = [];
    let from: string | undefined;
    let resourceVersion: string;
    do {
      const page = await this.#client.page(this.#kind, { ...this.#options, from }, signal);
      for (const item of page.items) objects.push(transform(item));
      ({ next: from, resourceVersion } = page);
    } while (from !== undefined);
    lists.inc({ kind: this.#kind.kind });
    this.#heard();
    this.#sink.replace(objects);
    this.#resourceVersion = resourceVersion;
    this.#first.resolve();
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { idleMs = IDLE_MS, openMs = OPEN_MS } = this.#options;
    const idle = new AbortController();
    const within = (ms: number) =>
      setTimeout(() => idle.abort(silence(this.#kind, ms)), ms).unref();
    const unopened = within(openMs);
    let dead = unopened;
    const heard = (): void => {
      this.healthy = true;
      if (dead !== unopened) return void dead.refresh();
      clearTimeout(unopened);
      dead = within(idleMs);
    };
    const [opened, events] = [performance.now(), this.#events];
    const spread = Math.random() * (WATCH_SECONDS.to - WATCH_SECONDS.from);
    try {
      const stream = this.#client.watch(
        this.#kind,
        {
          ...this.#options,
          resourceVersion,
          timeoutSeconds: Math.round(WATCH_SECONDS.from + spread),
          heard,
        },
        AbortSignal.any([this.#options.signal, idle.signal]),
      );
      for await (const event of stream) this.#take(event);
    } finally {
      clearTimeout(dead);
    }
    // A server that ends every watch at once must not be asked in a loop.
    if (performance.now() - opened < 1_000 && this.#events === events) {
      this.#failures += 1;
      await this.#wait(undefined);
    }
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === "ERROR") throw ended(this.#kind, event.object);
    this.#heard();
    this.#events += 1;
    this.#expirations = 0;
    const { object } = event;
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    if (event.type === "BOOKMARK") return;
    if (event.type === "DELETED") this.#sink.remove(objectKey(object));
    else this.#sink.upsert(this.#options.transform?.(object) ?? object);
  }

  #heard(): void {
    this.#failures = 0;
    this.healthy = true;
    lastEvent.set({ kind: this.#kind.kind }, Date.now() / 1000);
  }

  async #failed(error: ApiError): Promise<void> {
    if (error.status === 410 || error.reason === "Expired") {
      // Not a fault: the next list tells what was missed.
      this.#resourceVersion = undefined;
      this.#expirations += 1;
      return pause(backoffMs(this.#expirations - 1), this.#options.signal);
    }
    if (this.#options.mayBeRefused && isApiError(error, 403, 404)) this.#first.resolve();
    this.healthy = false;
    failures.inc({ kind: this.#kind.kind });
    this.#failures += 1;
    this.#log.warn(error.message, { kind: this.#kind.kind, code: error.code });
    await this.#wait(error.retryAfterMs);
  }

  #wait(retryAfterMs: number | undefined): Promise<void> {
    const waitMs = backoffMs(this.#failures, { maxMs: RETRY_MS });
    return pause(Math.max(waitMs, retryAfterMs ?? 0), this.#options.signal);
  }
}

const silence = ({ kind }: Kind, idleMs: number): ApiError =>
  new ApiError(`watch ${kind}`, {
    status: 0,
    reason: "Silent",
    message: `nothing was heard for ${idleMs / 1000} s`,
  });

const ended = ({ kind }: Kind, { code = 500, reason = "", message = "" }: Status): ApiError =>
  new ApiError(`watch ${kind}`, { status: code, reason, message });
