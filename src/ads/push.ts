/** Streams that may lack something, visited in turn. */
interface Pushable {
  push(): void;
}

/** One turn of the event loop serves streams no longer than this, so that reads go on. */
const SLICE_MS = 8;

/**
 * Tells the streams that something changed: the first change at once, later ones merged into the
 * round that is under way. There is no debounce to wait for. What clients answer meanwhile is acted
 * on after it, so that those who were served first do not keep the others waiting.
 */
export class Pusher {
  readonly #streams = new Set<Pushable>();
  /** Streams not visited since the last change. */
  #changed = new Set<Pushable>();
  /** Those that something concerns which is theirs alone. */
  readonly #concerned = new Set<Pushable>();
  #isScheduled = false;
  readonly #onRound: (durationMs: number) => void;
  /** Of the round that a change for all has begun. */
  #roundStart: number | undefined;

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
  }

  /** Something changed that may concern any of them. */
  changed(): void {
    if (this.#streams.size === 0) return;
    this.#roundStart ??= performance.now();
    this.#changed = new Set(this.#streams);
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
    this.#visit(this.#changed, end);
    if (this.#changed.size === 0 && this.#roundStart !== undefined) {
      this.#onRound(performance.now() - this.#roundStart);
      this.#roundStart = undefined;
    }
    if (performance.now() < end) this.#visit(this.#concerned, end);
    if (this.isBusy) this.#schedule();
  }

  /** A visit is for whatever there is for the stream. */
  #visit(queue: ReadonlySet<Pushable>, end: number): void {
    for (const stream of queue) {
      this.#changed.delete(stream);
      this.#concerned.delete(stream);
      stream.push();
      if (performance.now() >= end) return;
    }
  }
}
