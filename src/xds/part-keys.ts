/** Where a part's keys come from. */
import type { Watch } from "../store/engine.ts";
import type { KeySource, Part } from "./part.ts";
import type { Field, Reading } from "./projection.ts";

/** The keys that a row of the translator gives for a projection. */
export class RowKeys implements KeySource {
  readonly #watch: Watch<Reading<readonly string[]>>;
  readonly #onFault: (error: unknown) => void;
  #suspect = true;
  #reading: Reading<readonly string[]> = { value: [] };
  #isNew = false;

  constructor(
    watch: (onSuspect: () => void) => Watch<Reading<readonly string[]>>,
    onFault: (error: unknown) => void,
  ) {
    this.#onFault = onFault;
    this.#watch = watch(() => {
      this.#suspect = true;
    });
  }

  /** The field that the row reads and the projection does not hold: the keys are not known here. */
  get needs(): Field | undefined {
    this.#update();
    return "needs" in this.#reading ? this.#reading.needs : undefined;
  }

  changed(): readonly string[] | undefined {
    this.#update();
    if (!this.#isNew || "needs" in this.#reading) return undefined;
    this.#isNew = false;
    return this.#reading.value;
  }

  dispose(): void {
    this.#watch.dispose();
  }

  #update(): void {
    if (!this.#suspect) return;
    this.#suspect = false;
    const reading = this.#read();
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#isNew = true;
  }

  /** After a fault the keys are what they were. */
  #read(): Reading<readonly string[]> {
    try {
      return this.#watch.read();
    } catch (error) {
      this.#onFault(error);
      return this.#reading;
    }
  }
}

/** The keys that another part defers. */
export class RestKeys implements KeySource {
  readonly #base: Part;
  #seen = 0;

  constructor(base: Part) {
    this.#base = base;
  }

  changed(): readonly string[] | undefined {
    if (this.#base.deferrals === this.#seen) return undefined;
    this.#seen = this.#base.deferrals;
    return [...this.#base.deferred];
  }

  dispose(): void {}
}
