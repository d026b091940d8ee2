/** Streams that may lack something, visited in turn. */
interface Pushable {
  push(): void;
}

/** One turn of the event loop serves streams no longer than this, so that reads go on. */
const SLICE_MS = 8;

/**
 * Tells the streams that something changed, at once: there is no debounce to wait for. A later change
 * finds those that still wait in their places, and sends those that were served behind them, so that
 * each has its turn however fast changes come. What clients answer meanwhile is acted on when nobody
 * waits, or in their next turn, so that those who were served first do not keep the others waiting.
 */
export class Pusher {
  readonly #streams = new Set<Pushable>();
  /** Streams in the order of their turns, with the first change (ms) that they were not visited since. */
  readonly #changed = new Map<Pushable, number>();
  /** Those that something concerns which is theirs alone. */
  readonly #concerned = new Set<Pushable>();
  #isScheduled = false;
  readonly #onRound: (durationMs: number) => void;
  /** The oldest change that has not reached all (ms). */
  #roundStart: number | undefined;

  /** @param onRound told how long a change took to reach all */
  constructor(onRound: (durationMs: number) => void = () => {}) {
    this.#onRound = onRound;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Whether a round is under way. */
  get isBusy(): boolean {
    return this.#changed.size + this.#concerned.size > 0;
  }

  get streams(): Iterable<Pushable> {
    return this.#streams;
  }

  add(stream: Pushable): void {
    this.#streams.add(stream);
  }

  delete(stream: Pushable): void {
    this.#streams.delete(stream);
    this.#changed.delete(stream);
    this.#concerned.delete(stream);
    this.#measure();
  }

  /** Something changed that may concern any of them. */
  changed(): void {
    if (this.#streams.size === 0) return;
    const now = performance.now();
    for (const stream of this.#streams)
      if (!this.#changed.has(stream)) this.#changed.set(stream, now);
    this.#measure();
    this.#schedule();
  }

  /** Something concerns one of them: a change, or what its client said. */
  changedFor(stream: Pushable): void {
    if (!this.#streams.has(stream)) return;
    this.#concerned.add(stream);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#round());
  }

  #round(): void {
    this.#isScheduled = false;
    const end = performance.now() + SLICE_MS;
    this.#visit(this.#changed.keys(), end);
    if (performance.now() < end) this.#visit(this.#concerned, end);
    if (this.isBusy) this.#schedule();
  }

  /** A visit is for whatever there is for the stream. */
  #visit(queue: Iterable<Pushable>, end: number): void {
    for (const stream of queue) {
      this.#changed.delete(stream);
      this.#concerned.delete(stream);
      stream.push();
      this.#measure();
      if (performance.now() >= end) return;
    }
  }

  /** A change has reached all as soon as those that wait longest wait for a later one. */
  #measure(): void {
    const [oldest] = this.#changed.values();
    if (oldest === this.#roundStart) return;
    if (this.#roundStart !== undefined) this.#onRound(performance.now() - this.#roundStart);
    this.#roundStart = oldest;
  }
}
