import type { ResourceSet } from "../xds/resource.ts";
import type { Fresh, Group, Roll } from "./roll.ts";

/** A part of a roll that a client wants. */
export interface Span {
  readonly roll: Roll;
  /** The part of the set at the start that the roll is of, which many clients share. */
  readonly layer: ResourceSet;
  /** How many groups of it; the client may ask for more. */
  readonly end: () => number;
}

/**
 * What a client wants and was never sent, in order: a place on rolls that it shares with others. So a
 * client that connects costs what is written to it, and nothing for each name.
 */
export class Backlog {
  readonly #spans: readonly Span[];
  /** The set that the layers are of. */
  readonly #start: ResourceSet;
  #span = 0;
  #group = 0;
  #batch = 0;
  #at: Group | undefined;
  /** Of the group that it is at: what may have gone by the time the rest is sent. */
  #sent: Fresh[] = [];

  constructor(spans: readonly Span[], start: ResourceSet) {
    this.#spans = spans;
    this.#start = start;
  }

  get isEmpty(): boolean {
    this.#skip();
    return this.#group >= (this.#spans[this.#span]?.end() ?? 0);
  }

  has(name: string): boolean {
    if (this.isEmpty) return false;
    return this.#spans.some(({ roll, end }, i) => {
      const position = i < this.#span ? undefined : roll.position(name);
      if (position === undefined || position >= end()) return false;
      return i > this.#span || position >= this.#group;
    });
  }

  /** How many names are left. */
  get size(): number {
    return this.#left().reduce((sum, names) => sum + names.length, 0);
  }

  /**
   * What is sent next.
   *
   * @param missing hears what there is no more, and whether the client was sent it
   */
  peek(target: ResourceSet, missing: (name: string, wasSent: boolean) => void): Fresh | undefined {
    while (!this.isEmpty) {
      const group = this.#current(target);
      // What was sent of a group that has changed since is sent again.
      if (group !== this.#at) this.#batch = 0;
      this.#at = group;
      const fresh = group.batches[this.#batch];
      if (fresh !== undefined) return fresh;
      const sent = this.#sent;
      this.#nextGroup();
      for (const name of group.missing)
        missing(
          name,
          sent.some(({ names }) => names.has(name)),
        );
    }
    return undefined;
  }

  /** What `peek` gave was sent. */
  advance(): void {
    const { batches, missing } = this.#at ?? NOTHING;
    const fresh = batches[this.#batch];
    this.#batch += 1;
    if (this.#batch >= batches.length && missing.length === 0) this.#nextGroup();
    else if (fresh !== undefined) this.#sent.push(fresh);
  }

  /** Everything that is left, which is in the backlog no more. */
  drain(): readonly string[] {
    const names = this.#left().flat();
    this.#span = Math.max(0, this.#spans.length - 1);
    this.#group = this.#spans[this.#span]?.end() ?? 0;
    this.#batch = 0;
    return names;
  }

  #left(): readonly (readonly string[])[] {
    return this.#spans.flatMap(({ roll, end }, i) => {
      const from = i === this.#span ? this.#group : 0;
      const count = i < this.#span ? 0 : Math.max(0, end() - from);
      return Array.from({ length: count }, (_, offset) => roll.names(from + offset));
    });
  }

  #current(target: ResourceSet): Group {
    const span = this.#spans[this.#span];
    if (span === undefined) return NOTHING;
    return span.roll.group(this.#group, target === this.#start ? span.layer : target);
  }

  #nextGroup(): void {
    this.#group += 1;
    this.#batch = 0;
    this.#at = undefined;
    this.#sent = [];
  }

  /** Past spans that have ended, up to the last, which may grow. */
  #skip(): void {
    while (
      this.#span < this.#spans.length - 1 &&
      this.#group >= (this.#spans[this.#span]?.end() ?? 0)
    ) {
      this.#span += 1;
      this.#group = 0;
    }
  }
}

const NOTHING: Group = { batches: [], missing: [] };
