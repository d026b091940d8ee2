import type { ResourceSet } from "../xds/resource.ts";
import type { Roll } from "./roll.ts";

/**
 * The names that a client wants: as many groups of a roll as it has asked for, and what it asked for
 * unlike others. So a client costs a number, not a set of its own.
 */
export class Names {
  readonly roll: Roll | undefined;
  #count = 0;
  readonly #own = new Set<string>();
  /** On its part of the roll, and given up. */
  readonly #gone = new Set<string>();

  constructor(roll?: Roll) {
    this.roll = roll;
  }

  /** Groups of the roll that it has asked for. */
  get count(): number {
    return this.#count;
  }

  /** Names that are not on its part of the roll. */
  get own(): ReadonlySet<string> {
    return this.#own;
  }

  /** Whether its part of the roll holds names that it gave up. */
  get hasGone(): boolean {
    return this.#gone.size > 0;
  }

  has(name: string): boolean {
    return this.#own.has(name) || (this.#isOnRoll(name) && !this.#gone.has(name));
  }

  add(name: string): void {
    if (this.#isOnRoll(name)) this.#gone.delete(name);
    else this.#own.add(name);
  }

  delete(name: string): void {
    this.#own.delete(name);
    if (this.#isOnRoll(name)) this.#gone.add(name);
  }

  /** @returns whether the names are the next group of the roll: none of them was wanted before */
  follow(names: readonly string[]): boolean {
    const { roll } = this;
    if (roll === undefined || names.length === 0 || names.some((name) => this.#own.has(name)))
      return false;
    const next = roll.names(this.#count);
    const isNext = next.length === names.length && next.every((name, i) => name === names[i]);
    if (!isNext && !this.#mayAppend(roll, names)) return false;
    if (!isNext) roll.append(names);
    this.#count += 1;
    return true;
  }

  *[Symbol.iterator](): Generator<string, undefined> {
    yield* this.#own;
    for (let i = 0; i < this.#count; i++)
      for (const name of this.roll?.names(i) ?? []) if (!this.#gone.has(name)) yield name;
  }

  #isOnRoll(name: string): boolean {
    const position = this.roll?.position(name);
    return position !== undefined && position < this.#count;
  }

  #mayAppend(roll: Roll, names: readonly string[]): boolean {
    return (
      roll.length === this.#count &&
      !names.includes("*") &&
      new Set(names).size === names.length &&
      names.every((name) => roll.position(name) === undefined)
    );
  }
}

/** The names in the set's own strings, so that clients share them. */
export function interned(names: readonly string[], { resources }: ResourceSet): readonly string[] {
  return names.map((name) => resources.get(name)?.name ?? name);
}
