/** Called when it may go on. */
export type Guest = () => void;

/** Enough to keep the network busy; what they are being sent is in memory several times over. */
const LIMIT = 50;
/** A guest of which nothing went out for so long does not read: others need not wait for it. */
const STALL_MS = 1_000;

export interface TurnsOptions {
  /** How many at a time. */
  readonly limit?: number;
  readonly now?: () => number;
}

/**
 * Lets some streams at a time be sent what they were never sent. All at once, each would have messages
 * under way in every layer below, and the first would be done when the last is.
 */
export class Turns {
  readonly #limit: number;
  readonly #now: () => number;
  /** Whose turn it is, with the time (ms) when it last had something to send. */
  readonly #holders = new Map<Guest, number>();
  readonly #waiting = new Set<Guest>();
  /** Those that had a turn before: what they have done so far is of use when the rest is done. */
  readonly #returning = new Set<Guest>();
  readonly #begun = new WeakSet<Guest>();
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ limit = LIMIT, now = () => performance.now() }: TurnsOptions = {}) {
    this.#limit = limit;
    this.#now = now;
  }

  get isBusy(): boolean {
    return this.#holders.size > 0;
  }

  /** Whether the guest may go on now; if not, it is called later. */
  take(guest: Guest): boolean {
    const line = this.#begun.has(guest) ? this.#returning : this.#waiting;
    const mayEnter = this.#holders.size < this.#limit && line.size === 0;
    if (this.#holders.has(guest) || mayEnter) {
      this.#enter(guest);
      return true;
    }
    line.add(guest);
    this.#watch();
    return false;
  }

  /** The guest has nothing to send just now. */
  rest(guest: Guest): void {
    if (this.#holders.delete(guest)) this.#schedule();
  }

  /** The guest will not come back. */
  leave(guest: Guest): void {
    this.#waiting.delete(guest);
    this.#returning.delete(guest);
    this.rest(guest);
  }

  #enter(guest: Guest): void {
    this.#holders.set(guest, this.#now());
    this.#begun.add(guest);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size + this.#returning.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => this.#admit());
  }

  #admit(): void {
    this.#isScheduled = false;
    for (const line of [this.#returning, this.#waiting])
      for (const guest of line) {
        if (this.#holders.size >= this.#limit) return;
        line.delete(guest);
        this.#enter(guest);
        guest();
      }
  }

  /** As long as somebody waits. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const since = this.#now() - STALL_MS;
      for (const [guest, at] of this.#holders) if (at <= since) this.rest(guest);
      if (this.#waiting.size + this.#returning.size > 0) this.#watch();
    }, STALL_MS).unref();
  }
}
