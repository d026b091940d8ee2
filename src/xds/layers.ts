import type { EncodedResource, ResourceSet } from "./resource.ts";

/** Several maps without a name in common, as one. */
class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly #layers: readonly ReadonlyMap<string, V>[];

  constructor(layers: readonly ReadonlyMap<string, V>[]) {
    this.#layers = layers;
  }

  get size(): number {
    return this.#layers.reduce((sum, { size }) => sum + size, 0);
  }

  get(name: string): V | undefined {
    for (const layer of this.#layers) {
      const value = layer.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  *entries(): Generator<[string, V], undefined> {
    for (const layer of this.#layers) yield* layer.entries();
  }

  *keys(): Generator<string, undefined> {
    for (const layer of this.#layers) yield* layer.keys();
  }

  *values(): Generator<V, undefined> {
    for (const layer of this.#layers) yield* layer.values();
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries();
  }
}

/**
 * One resource set of several whose generations are drawn from one sequence, so that a cursor in it
 * is a cursor in each of them.
 */
export class LayeredSet implements ResourceSet {
  readonly resources: ReadonlyMap<string, EncodedResource>;
  readonly generation: number;
  readonly layers: readonly ResourceSet[];
  readonly #since: number;

  /** @param since the generation at which these layers became the set: older cursors mean others */
  constructor(sets: readonly ResourceSet[], since: number) {
    this.layers = sets;
    this.#since = since;
    this.resources = new LayeredMap(sets.map(({ resources }) => resources));
    this.generation = Math.max(since, ...sets.map(({ generation }) => generation));
  }

  isOf(sets: readonly ResourceSet[], since: number): boolean {
    return (
      since === this.#since &&
      sets.length === this.layers.length &&
      sets.every((set, i) => set === this.layers[i])
    );
  }

  /** The answer of the one layer that changed, which is shared, unless several did. */
  changedSince(generation: number): ReadonlySet<string> | undefined {
    if (generation < this.#since) return undefined;
    let all: ReadonlySet<string> = new Set();
    for (const set of this.layers) {
      const names = set.changedSince(generation);
      if (names === undefined) return undefined;
      if (names.size > 0) all = all.size === 0 ? names : all.union(names);
    }
    return all;
  }
}

/** Which set is made of which layers, so that scopes with the same layers have one set. */
interface Made {
  readonly next: WeakMap<ResourceSet, Made>;
  set?: LayeredSet;
}

/** Makes sets of layers that have always been a scope's, once for all scopes that have them. */
export class Layering {
  readonly #root: Made = { next: new WeakMap() };

  of(sets: readonly ResourceSet[]): LayeredSet {
    let made = this.#root;
    for (const set of sets) {
      const next = made.next.get(set) ?? { next: new WeakMap() };
      made.next.set(set, next);
      made = next;
    }
    made.set ??= new LayeredSet(sets, 0);
    return made.set;
  }
}
