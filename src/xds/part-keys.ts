/** Where a part's keys come from. */
import type { Watch } from "../store/engine.ts";
import { type KeyChanges, type KeySource, type Part, UNCHANGED } from "./part.ts";
import type { Field, Reading } from "./projection.ts";

type ListWatch = Watch<Reading<readonly string[]>>;

/** A row of the translator for one projection. */
export interface RowSource {
  groups(onSuspect: () => void): ListWatch;
  keys(group: string, onSuspect: () => void): ListWatch;
  /** What a name in a group's list of keys stands for. */
  keyOf(group: string, name: string): string;
  /** The row threw: a bug. */
  onFault(error: unknown): void;
}

const EMPTY: Reading<readonly string[]> = { value: [] };

/** A list of names, kept current, that says what came and went. */
class List {
  readonly #watch: ListWatch;
  readonly #onFault: (error: unknown) => void;
  #reading: Reading<readonly string[]> = EMPTY;

  constructor(watch: ListWatch, onFault: (error: unknown) => void) {
    this.#watch = watch;
    this.#onFault = onFault;
  }

  get needs(): Field | undefined {
    return "needs" in this.#reading ? this.#reading.needs : undefined;
  }

  get names(): readonly string[] {
    return "needs" in this.#reading ? [] : this.#reading.value;
  }

  update(): KeyChanges {
    const before = this.names;
    this.#reading = this.#read();
    const after = this.names;
    return before === after ? UNCHANGED : difference(before, after);
  }

  dispose(): void {
    this.#watch.dispose();
  }

  /** After a fault the names are what they were. */
  #read(): Reading<readonly string[]> {
    try {
      return this.#watch.read();
    } catch (error) {
      this.#onFault(error);
      return this.#reading;
    }
  }
}

/** Most changes are one name in a long list: only what lies between equal ends is looked up. */
function difference(before: readonly string[], after: readonly string[]): KeyChanges {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let [oldEnd, end] = [before.length, after.length];
  for (; oldEnd > start && end > start && before[oldEnd - 1] === after[end - 1]; oldEnd -= 1)
    end -= 1;
  const old = new Set(before.slice(start, oldEnd));
  const current = new Set(after.slice(start, end));
  return { removed: [...old.difference(current)], added: [...current.difference(old)] };
}

/** The keys that a row of the translator gives for a projection: those of all its groups. */
export class RowKeys implements KeySource {
  readonly #source: RowSource;
  readonly #groups: List;
  readonly #members = new Map<string, List>();
  /** Groups whose keys may have changed. */
  readonly #suspects = new Set<string>();
  readonly #needing = new Map<string, Field>();
  #areGroupsSuspect = true;
  #removed: string[] = [];
  #added: string[] = [];

  constructor(source: RowSource) {
    this.#source = source;
    const watch = source.groups(() => {
      this.#areGroupsSuspect = true;
    });
    this.#groups = new List(watch, (error) => source.onFault(error));
  }

  /** A field that the row reads and the projection does not hold: not all keys are known here. */
  get needs(): Field | undefined {
    this.#update();
    const [needed] = this.#needing.values();
    return this.#groups.needs ?? needed;
  }

  changed(): KeyChanges {
    this.#update();
    if (this.#removed.length === 0 && this.#added.length === 0) return UNCHANGED;
    const changes = { removed: this.#removed, added: this.#added };
    this.#removed = [];
    this.#added = [];
    return changes;
  }

  dispose(): void {
    this.#groups.dispose();
    for (const member of this.#members.values()) member.dispose();
  }

  #update(): void {
    if (this.#areGroupsSuspect) {
      this.#areGroupsSuspect = false;
      const { removed, added } = this.#groups.update();
      for (const group of removed) this.#drop(group);
      for (const group of added) this.#add(group);
    }
    for (const group of this.#suspects) {
      this.#suspects.delete(group);
      this.#updateGroup(group);
    }
  }

  #add(group: string): void {
    const watch = this.#source.keys(group, () => this.#suspects.add(group));
    this.#members.set(group, new List(watch, (error) => this.#source.onFault(error)));
    this.#suspects.add(group);
  }

  #drop(group: string): void {
    const member = this.#members.get(group);
    this.#note(group, { removed: member?.names ?? [], added: [] });
    member?.dispose();
    this.#members.delete(group);
    this.#suspects.delete(group);
    this.#needing.delete(group);
  }

  #updateGroup(group: string): void {
    const member = this.#members.get(group);
    if (member === undefined) return;
    this.#note(group, member.update());
    if (member.needs === undefined) this.#needing.delete(group);
    else this.#needing.set(group, member.needs);
  }

  #note(group: string, { removed, added }: KeyChanges): void {
    for (const name of removed) this.#removed.push(this.#source.keyOf(group, name));
    for (const name of added) this.#added.push(this.#source.keyOf(group, name));
  }
}

/** The keys that another part defers. */
export class RestKeys implements KeySource {
  readonly #base: Part;
  #seen = 0;
  #keys: ReadonlySet<string> = new Set();

  constructor(base: Part) {
    this.#base = base;
  }

  changed(): KeyChanges {
    if (this.#base.deferrals === this.#seen) return UNCHANGED;
    this.#seen = this.#base.deferrals;
    const [before, after] = [this.#keys, new Set(this.#base.deferred)];
    this.#keys = after;
    return { removed: [...before.difference(after)], added: [...after.difference(before)] };
  }

  dispose(): void {}
}
