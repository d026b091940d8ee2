/**
 * The alternative that was not chosen: derived collections, kept current eagerly and in batches.
 * A batch walks the collections in the order in which they were made, so each sees only finished
 * inputs, and no value is ever computed from half a batch.
 */
import { equal } from "../../../src/store/equal.ts";

type Fetch = <U>(from: Collection<U>, key: string) => U | undefined;

export class Collection<T> {
  readonly values = new Map<string, T>();
  readonly #collections: Collection<unknown>[];
  readonly #refresh: (
    changed: ReadonlyMap<Collection<unknown>, ReadonlySet<string>>,
  ) => Set<string>;
  readonly #pending = new Set<string>();

  constructor(
    collections: Collection<unknown>[],
    refresh: (changed: ReadonlyMap<Collection<unknown>, ReadonlySet<string>>) => Set<string> = () =>
      new Set(),
  ) {
    this.#collections = collections;
    this.#refresh = refresh;
    collections.push(this);
  }

  write(key: string, value: T | undefined): void {
    if (equal(this.values.get(key), value)) return;
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    this.#pending.add(key);
  }

  /** Carries what was written through all collections. */
  commit(): void {
    const changed = new Map<Collection<unknown>, ReadonlySet<string>>();
    for (const collection of this.#collections) {
      const keys = collection.take(changed);
      if (keys.size > 0) changed.set(collection, keys);
    }
  }

  take(changed: ReadonlyMap<Collection<unknown>, ReadonlySet<string>>): ReadonlySet<string> {
    for (const key of this.#refresh(changed)) this.#pending.add(key);
    const taken = new Set(this.#pending);
    this.#pending.clear();
    return taken;
  }
}

/** One output per key of `input`; `f` reads other collections through `fetch` alone. */
export function derive<T, U>(
  collections: Collection<unknown>[],
  input: Collection<T>,
  f: (key: string, value: T, fetch: Fetch) => U | undefined,
): Collection<U> {
  const readers = new Map<Collection<unknown>, Map<string, Set<string>>>();
  const standing = new Map<string, Set<string>[]>();
  const compute = (key: string): U | undefined => {
    for (const set of standing.get(key) ?? []) set.delete(key);
    const stands: Set<string>[] = [];
    standing.set(key, stands);
    const value = input.values.get(key);
    if (value === undefined) return undefined;
    return f(key, value, (from, wanted) => {
      const byKey = readers.get(from) ?? new Map<string, Set<string>>();
      readers.set(from, byKey);
      const set = byKey.get(wanted) ?? new Set();
      byKey.set(wanted, set.add(key));
      stands.push(set);
      return from.values.get(wanted);
    });
  };
  const output: Collection<U> = new Collection(collections, (changed) => {
    const stale = new Set(changed.get(input));
    for (const [from, keys] of changed)
      for (const key of keys)
        for (const reader of readers.get(from)?.get(key) ?? []) stale.add(reader);
    const moved = new Set<string>();
    for (const key of stale) {
      const next = compute(key);
      if (equal(output.values.get(key), next)) continue;
      if (next === undefined) output.values.delete(key);
      else output.values.set(key, next);
      moved.add(key);
    }
    return moved;
  });
  return output;
}

/** Regroups a collection: the keys of its values by bucket. */
export function index<T>(
  collections: Collection<unknown>[],
  input: Collection<T>,
  bucketsOf: (value: T) => readonly string[],
): Collection<readonly string[]> {
  const placed = new Map<string, readonly string[]>();
  const output: Collection<readonly string[]> = new Collection(collections, (changed) => {
    const moved = new Set<string>();
    for (const key of changed.get(input) ?? []) {
      const value = input.values.get(key);
      const next = value === undefined ? [] : bucketsOf(value);
      const before = placed.get(key) ?? [];
      if (equal(before, next)) continue;
      for (const bucket of before) {
        output.values.set(
          bucket,
          (output.values.get(bucket) ?? []).filter((k) => k !== key),
        );
        moved.add(bucket);
      }
      for (const bucket of next) {
        output.values.set(bucket, [...(output.values.get(bucket) ?? []), key].sort());
        moved.add(bucket);
      }
      placed.set(key, next);
    }
    return moved;
  });
  return output;
}
