import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import type { Lease } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { silent } from "../util/log.ts";
import type { Client } from "./client.ts";
import { ApiError } from "./error.ts";
import { type LeaseOptions, lead } from "./lease.ts";

type LiveLease = Live<Lease>;

const OPTIONS: LeaseOptions = {
  name: "work",
  namespace: "default",
  identity: "a",
  log: silent,
  durationMs: 60_000,
  renewDeadlineMs: 40_000,
  retryMs: 2,
};

/** One Lease, as an API server keeps it. */
class OneLease {
  lease: LiveLease | undefined;
  /** What the answer to a write waits for. */
  answering: (nth: number, signal: AbortSignal) => Promise<unknown> = async () => {};
  writes = 0;
  #version = 0;
  #read = Promise.withResolvers<void>();

  get holder(): string | undefined {
    return this.lease?.spec?.holderIdentity;
  }

  /** Resolves when it is read next. */
  get read(): Promise<void> {
    return this.#read.promise;
  }

  put(lease: LiveLease): LiveLease {
    this.#version += 1;
    const metadata = { ...lease.metadata, resourceVersion: String(this.#version) };
    this.lease = { ...lease, metadata };
    return this.lease;
  }

  async write(lease: LiveLease, signal: AbortSignal): Promise<LiveLease> {
    const { resourceVersion } = lease.metadata;
    if (resourceVersion !== this.lease?.metadata.resourceVersion)
      throw new ApiError("update", { status: 409, reason: "Conflict", message: "it was changed" });
    const stored = this.put(lease);
    this.writes += 1;
    await this.answering(this.writes, signal);
    return stored;
  }

  readonly client = {
    get: async () => {
      this.#read.resolve();
      this.#read = Promise.withResolvers();
      return this.lease;
    },
    create: (lease: LiveLease, _: object, signal: AbortSignal) => this.write(lease, signal),
    update: (lease: LiveLease, signal: AbortSignal) => this.write(lease, signal),
  } as unknown as Client;
}

/** Leads until the test ends; `begun` is told each time with what it holds. */
function leadIn(
  t: TestContext,
  { client }: OneLease,
  { begun, ...options }: Partial<LeaseOptions> & { readonly begun: (held: AbortSignal) => void },
): void {
  const stop = new AbortController();
  const work = async (held: AbortSignal): Promise<void> => {
    begun(held);
    if (!held.aborted) await once(held, "abort");
  };
  const ended = lead(client, { ...OPTIONS, ...options }, { work, signal: stop.signal });
  t.after(() => {
    stop.abort();
    return ended;
  });
}

test("who leaves lets the next one start at once", async () => {
  const record = new OneLease();
  const stop = new AbortController();
  const work = async (): Promise<void> => stop.abort();
  await lead(record.client, OPTIONS, { work, signal: stop.signal });
  assert.equal(record.holder, "");
});

test("who was displaced leaves the Lease to the one that has it", {
  timeout: 20_000,
}, async (t) => {
  const record = new OneLease();
  const { promise: leading, resolve } = Promise.withResolvers<AbortSignal>();
  let times = 0;
  leadIn(t, record, {
    begun: (held) => {
      times += 1;
      resolve(held);
    },
  });
  const held = await leading;
  const lease = record.lease as LiveLease;
  record.put({ ...lease, spec: { ...lease.spec, holderIdentity: "b" } });
  await once(held, "abort");
  // It asks to be elected again, and once more because it was not.
  await record.read;
  assert.equal(record.holder, "b");
  await record.read;
  assert.equal(times, 1);
});

test("a renewal counts from when it was sent: nobody works when another may", {
  timeout: 20_000,
}, async (t) => {
  const [renewDeadlineMs, durationMs] = [100, 150];
  const record = new OneLease();
  const events: string[] = [];
  const { promise: both, resolve } = Promise.withResolvers<void>();
  const happens = (event: string): void => {
    if (events.push(event) === 2) resolve();
  };
  record.answering = async (nth, signal) => {
    // The first renewal is stored, and is answered late; none is answered after.
    if (nth === 2) setTimeout(() => happens("another may lead"), durationMs);
    if (nth > 1) await after(nth === 2 ? 80 : 60_000, undefined, { signal });
  };
  const begun = (held: AbortSignal): void =>
    held.addEventListener("abort", () => happens("stopped"), { once: true });
  leadIn(t, record, { renewDeadlineMs, durationMs, begun });
  await both;
  assert.deepEqual(events, ["stopped", "another may lead"]);
});

test("a Lease that was won too long ago when the answer came is not worked with", {
  timeout: 20_000,
}, async (t) => {
  const record = new OneLease();
  record.answering = async (nth, signal) => {
    if (nth === 1) await after(60, undefined, { signal });
  };
  const { promise: writes, resolve } = Promise.withResolvers<number>();
  leadIn(t, record, { renewDeadlineMs: 50, begun: () => resolve(record.writes) });
  assert.notEqual(await writes, 1);
});
