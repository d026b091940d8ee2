/**
 * The leader's part: keeps the status of every networking object equal to what is known of it. It
 * writes transitions only, a few at a time, and after configuration has gone out.
 */
import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Condition, NewCondition } from "../api/conditions.ts";
import type { Diagnostic } from "../api/diagnostic.ts";
import { CONTROL_PLANE } from "../api/names.ts";
import { pause } from "../kube/backoff.ts";
import type { Client } from "../kube/client.ts";
import { isApiError } from "../kube/error.ts";
import { WorkQueue } from "../kube/work-queue.ts";
import type { Engine, Source, Watch } from "../store/engine.ts";
import type { Log } from "../util/log.ts";
import { counter } from "../util/metrics.ts";
import { type Address, AddressPool } from "./addresses.ts";
import {
  conditionsOf,
  isRewording,
  PROGRAMMED,
  RESOLVED,
  type Rejected,
  toldFault,
  transition,
} from "./conditions.ts";
import { Grace, type Told } from "./grace.ts";
import type { Entry, Ledger } from "./ledger.ts";
import { bySource, changedSources, type Refusal } from "./rejections.ts";

const writes = counter("meshwright_status_writes_total", "Statuses written to networking objects", [
  "kind",
]);

/** Changes within this time are one write, and what proxies need goes out first. */
const SETTLE_MS = 200;
/** How often proxies' refusals are looked at. */
const LOOK_MS = 2_000;
/** The same while some are heard of: one patch may be refused of every resource, one by one. */
const SOON_MS = 1_000;
/** A count that moves while proxies come and go is not worth a write each time. */
const REWORD_MS = 30_000;
/**
 * A rejection that is no longer heard of may come back: proxies reconnect, to this replica or to
 * another. It is over when the object was edited, or when all had this long to say it again.
 */
const DOUBT_MS = 30_000;
const CONCURRENCY = 4;
/** How long a status waits for proxies to be served, if they never are for a moment, and between looks. */
const BUSY_MS = 2_000;
const YIELD_MS = 20;

export interface ScribeOptions {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly findings: Source<[object: string], readonly Diagnostic[]>;
  /** What proxies do not take now, as far as it is known. */
  readonly refusals: (signal: AbortSignal) => Promise<readonly Refusal[]>;
  /** Families of addresses that workloads have. */
  readonly addressFamilies: () => readonly string[];
  /** Whether proxies are being served just now; absent: there are none. */
  readonly isBusy?: () => boolean;
  /** How long a fault that may pass has to last until it is told; absent: half a minute. */
  readonly graceMs?: number;
  readonly client: Pick<Client, "apply">;
  readonly log: Log;
}

interface Written {
  readonly conditions: readonly Condition[];
  /** Of a ServiceEntry's hosts. */
  readonly addresses: readonly Address[] | undefined;
}

export class Scribe {
  readonly #options: ScribeOptions;
  readonly #signal: AbortSignal;
  readonly #queue: WorkQueue;
  readonly #watches = new Map<string, Watch<readonly Diagnostic[]>>();
  readonly #due = new Set<string>();
  readonly #writtenAt = new Map<string, number>();
  /** When a rejection was last heard of; before this replica led others did. */
  readonly #heardAt = new Map<string, number>();
  readonly #startedAt = performance.now();
  readonly #pool = new AddressPool();
  readonly #grace: Grace;
  #ipv6 = false;
  #rejected: ReadonlyMap<string, Rejected> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #edited = Promise.withResolvers<void>();
  #heard = Promise.withResolvers<void>();

  /** @param signal aborts when another replica may lead: nothing is written after */
  constructor(options: ScribeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#grace = new Grace(options.graceMs);
    this.#queue = new WorkQueue({
      name: "status",
      log: options.log,
      concurrency: CONCURRENCY,
      baseMs: 500,
      maxMs: 120_000,
      run: (id) => this.#settle(id),
      signal,
    });
  }

  /** Writes until the signal aborts. */
  async run(): Promise<void> {
    const { ledger } = this.#options;
    const undo = ledger.onChange((id) => this.#notice(id));
    for (const id of ledger.ids) this.#notice(id);
    try {
      while (!this.#signal.aborted) {
        this.#lookAtFamilies();
        await this.#lookAtRefusals();
        await this.#rest();
      }
    } finally {
      undo();
      clearTimeout(this.#timer);
      for (const watch of this.#watches.values()) watch.dispose();
      await this.#queue.idle();
    }
  }

  /** A proxy has rejected something. */
  rejectionHeard(): void {
    this.#heard.resolve();
  }

  /** Until it is time to look again. */
  async #rest(): Promise<void> {
    const heard = this.#heard.promise;
    await Promise.race([
      pause(LOOK_MS, this.#signal),
      pause(SOON_MS, this.#signal).then(() => heard),
      this.#edited.promise,
    ]);
    this.#edited = Promise.withResolvers();
    this.#heard = Promise.withResolvers();
  }

  async #lookAtRefusals(): Promise<void> {
    const before = this.#rejected;
    this.#rejected = bySource(await this.#options.refusals(this.#signal));
    for (const id of this.#rejected.keys()) this.#heardAt.set(id, performance.now());
    for (const id of changedSources(before, this.#rejected)) this.#suspect(id);
  }

  /** Who has which address is known before anybody is given one. */
  #notice(id: string): void {
    const { allocation } = this.#options.ledger.get(id) ?? {};
    if (allocation === undefined) this.#pool.release(id);
    else this.#pool.note(id, allocation.held);
    // What was heard of may be of what the object said before: that cannot wait, its status is next.
    if (this.#rejected.has(id)) this.#edited.resolve();
    this.#suspect(id);
  }

  #lookAtFamilies(): void {
    const { ledger, addressFamilies } = this.#options;
    const ipv6 = addressFamilies().includes("IPv6");
    if (ipv6 === this.#ipv6) return;
    this.#ipv6 = ipv6;
    for (const id of ledger.ids) if (ledger.get(id)?.allocation) this.#suspect(id);
  }

  #suspect(id: string): void {
    if (this.#signal.aborted) return;
    this.#due.add(id);
    this.#timer ??= setTimeout(() => this.#flush(), SETTLE_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    for (const id of this.#due) this.#queue.add(id);
    this.#due.clear();
  }

  /** @returns when to look again at words that can wait */
  async #settle(id: string): Promise<number | undefined> {
    await this.#proxiesFirst();
    const entry = this.#options.ledger.get(id);
    if (entry === undefined) return this.#forget(id);
    const doubtMs = this.#doubtMs(id, entry);
    const told = this.#grace.tell(id, this.#findings(id), entry.conditions, performance.now());
    const wanted = this.#wanted(id, entry, { told, inDoubt: doubtMs > 0 });
    const conditions = transition(entry.conditions, wanted, new Date());
    const restMs = isRewording(entry.conditions, wanted) ? this.#restMs(id) : 0;
    const addresses = this.#addresses(id, entry);
    const isMoved = !isDeepStrictEqual(addresses, entry.allocation?.held);
    if (isMoved || (conditions !== undefined && restMs <= 0))
      await this.#write(id, entry, { conditions: conditions ?? entry.conditions, addresses });
    const againMs = Math.max(doubtMs, told.restMs, conditions === undefined ? 0 : restMs);
    return againMs > 0 ? againMs : undefined;
  }

  /** However many there are, proxies are served between any two of them. */
  async #proxiesFirst(): Promise<void> {
    const { isBusy = () => false } = this.#options;
    const end = performance.now() + BUSY_MS;
    await turn();
    while (isBusy() && performance.now() < end && !this.#signal.aborted)
      await pause(YIELD_MS, this.#signal);
  }

  #addresses(id: string, { allocation }: Entry): readonly Address[] | undefined {
    return allocation && this.#pool.allocate(id, allocation, this.#ipv6);
  }

  /** Of what is not known for the moment, the status says on what it says. */
  #wanted(
    id: string,
    entry: Entry,
    { told, inDoubt }: { readonly told: Told; readonly inDoubt: boolean },
  ): readonly NewCondition[] {
    const { diagnostics, restMs } = told;
    const unknown = [...(inDoubt ? [PROGRAMMED] : []), ...(restMs > 0 ? [RESOLVED] : [])];
    const facts = { diagnostics, rejected: this.#rejected.get(id), generation: entry.generation };
    return conditionsOf(facts).map((condition) => {
      const before = unknown.includes(condition.type)
        ? toldFault(entry, condition.type)
        : undefined;
      return before ?? condition;
    });
  }

  /** How much longer a rejection that the status tells of has to be believed. */
  #doubtMs(id: string, entry: Entry): number {
    if (toldFault(entry, PROGRAMMED) === undefined || this.#rejected.has(id)) return 0;
    return (this.#heardAt.get(id) ?? this.#startedAt) + DOUBT_MS - performance.now();
  }

  #restMs(id: string): number {
    const at = this.#writtenAt.get(id);
    return at === undefined ? 0 : at + REWORD_MS - performance.now();
  }

  #findings(id: string): readonly Diagnostic[] {
    const { engine, findings } = this.#options;
    const watch = this.#watches.get(id) ?? engine.watch(findings.node(id), () => this.#suspect(id));
    this.#watches.set(id, watch);
    return watch.read();
  }

  #forget(id: string): undefined {
    this.#watches.get(id)?.dispose();
    this.#watches.delete(id);
    this.#writtenAt.delete(id);
    this.#heardAt.delete(id);
    this.#grace.forget(id);
  }

  async #write(id: string, entry: Entry, { conditions, addresses }: Written): Promise<void> {
    const { client, ledger } = this.#options;
    const { apiVersion, kind, namespace, name, resourceVersion, generation } = entry;
    const object = {
      apiVersion,
      kind,
      // Not a word on a version that we have not seen.
      metadata: { namespace, name, resourceVersion },
      status: { observedGeneration: generation, conditions, ...(addresses && { addresses }) },
    };
    const how = { manager: CONTROL_PLANE, force: true, subresource: "status" } as const;
    try {
      const answer = await client.apply(object, how, this.#signal);
      writes.inc({ kind });
      this.#writtenAt.set(id, performance.now());
      ledger.written(id, entry, answer);
    } catch (error) {
      // It is gone or another by now: the watch says so, and that brings us back.
      if (!isApiError(error, 404, 409)) throw error;
    }
  }
}
