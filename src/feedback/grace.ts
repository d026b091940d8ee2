/** Faults that may be over before anybody could read of them are told once they have lasted. */
import type { Condition } from "../api/conditions.ts";
import type { Diagnostic } from "../api/diagnostic.ts";

/** Pods that are replaced are gone for a moment. */
const PASSING: ReadonlySet<string> = new Set(["MESH0121"]);
const GRACE_MS = 30_000;

export interface Told {
  readonly diagnostics: readonly Diagnostic[];
  /** How long until what is held back is told, or is no longer waited for. */
  readonly restMs: number;
}

export class Grace {
  readonly #ms: number;
  readonly #since = new Map<string, number>();

  constructor(ms: number = GRACE_MS) {
    this.#ms = ms;
  }

  /**
   * @param conditions of the object as they are: what they tell already is told on, whoever wrote it
   * @param now in milliseconds, on any clock that never goes back
   */
  tell(
    id: string,
    found: readonly Diagnostic[],
    conditions: readonly Condition[],
    now: number,
  ): Told {
    const passing = found.filter(({ code }) => PASSING.has(code));
    if (passing.length === 0) {
      this.#since.delete(id);
      return { diagnostics: found, restMs: 0 };
    }
    const since = this.#since.get(id) ?? now;
    this.#since.set(id, since);
    const restMs = since + this.#ms - now;
    const tellable = found.filter(({ untold }) => !untold);
    const isTold = passing.every(({ code }) =>
      conditions.some(({ message }) => message.includes(`(${code})`)),
    );
    if (isTold || restMs <= 0) return { diagnostics: tellable, restMs: 0 };
    return { diagnostics: found.filter((one) => !passing.includes(one)), restMs };
  }

  forget(id: string): void {
    this.#since.delete(id);
  }
}
