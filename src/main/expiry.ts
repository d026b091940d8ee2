import type { MeshModel } from "../model/dataflow.ts";
import type { Watch } from "../store/engine.ts";

/** Timers hold no more than 25 days; and who looks once a day is not misled for long by a clock that was set. */
const LONGEST_MS = 86_400_000;

/** Tells the model when times have passed that it cares about: certificates expire without an event. */
export class ExpiryClock {
  readonly #sink: MeshModel["sinks"]["passedTimes"];
  readonly #now: () => number;
  readonly #watch: Watch<readonly number[]>;
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds since 1970 */
  constructor({ engine, sinks, times }: MeshModel, now: () => number = Date.now) {
    this.#sink = sinks.passedTimes;
    this.#now = now;
    this.#watch = engine.watch(times.node(), () => this.#lookIn(0));
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watch.dispose();
  }

  #look(): void {
    const times = this.#watch.read();
    const now = this.#now();
    this.#sink.replace(times.filter((time) => time <= now).map((time) => ({ time })));
    const next = Math.min(...times.filter((time) => time > now));
    if (next < Infinity) this.#lookIn(next - now);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.min(ms, LONGEST_MS)).unref();
  }
}
