import { Cell, type Engine, type Node, type Source } from "./engine.ts";
import { equal } from "./equal.ts";
import type { Sink } from "./sink.ts";

export interface TableOptions<O, V> {
  /** `namespace/name`, or `name` for a cluster-scoped kind: what `Sink.remove` will be given. */
  readonly key: (object: O) => string;
  /**
   * What the model keeps of an object; it must be pure, for it runs as the object arrives. An object
   * whose projection comes out equal has not changed. `undefined`: nothing of it is of interest.
   */
  readonly project: (object: O) => V | undefined;
}

/** Input: the objects of one kind, each projected to what the model needs of it. */
export class Table<O, V> implements Sink<O>, Source<[key: string], V | undefined> {
  readonly #engine: Engine;
  readonly #options: TableOptions<O, V>;
  readonly #values = new Map<string, V>();
  readonly #cells = new Map<string, Cell<V | undefined>>();
  readonly #indexes: Index<V>[] = [];

  constructor(engine: Engine, options: TableOptions<O, V>) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Finds keys by something other than the key. Make indexes before anything is written. */
  index(buckets: (value: V, key: string) => Iterable<string>): Index<V> {
    if (this.#values.size > 0) throw new TypeError("an index was made over a table in use");
    const index = new Index(this.#engine, buckets);
    this.#indexes.push(index);
    return index;
  }

  replace(objects: readonly O[]): void {
    this.#engine.batch(() => {
      const gone = new Set(this.#values.keys());
      for (const object of objects) {
        this.upsert(object);
        gone.delete(this.#options.key(object));
      }
      for (const key of gone) this.remove(key);
    });
  }

  upsert(object: O): void {
    this.#write(this.#options.key(object), this.#options.project(object));
  }

  remove(key: string): void {
    this.#write(key, undefined);
  }

  node(key: string): Node<V | undefined> {
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const cell = new Cell<V | undefined>(
      this.#engine.garden,
      () => this.#values.get(key),
      () => this.#cells.delete(key),
    );
    this.#cells.set(key, cell);
    return cell;
  }

  /** Everything in the table: for tests and dumps, never for queries, which would not be told. */
  entries(): Iterable<readonly [string, V]> {
    return this.#values.entries();
  }

  #write(key: string, value: V | undefined): void {
    const previous = this.#values.get(key);
    if (equal(previous, value)) return;
    this.#engine.batch(() => {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
      this.#engine.touch(this.#cells.get(key));
      for (const index of this.#indexes) index.move(key, previous, value);
    });
  }
}

const NOTHING: readonly string[] = [];

/** The keys of a table's values by bucket; a value may be in several. Its reads give sorted keys. */
export class Index<V> implements Source<[bucket: string], readonly string[]> {
  readonly #engine: Engine;
  readonly #bucketsOf: (value: V, key: string) => Iterable<string>;
  readonly #members = new Map<string, Set<string>>();
  readonly #sorted = new Map<string, readonly string[]>();
  readonly #cells = new Map<string, Cell<readonly string[]>>();

  constructor(engine: Engine, buckets: (value: V, key: string) => Iterable<string>) {
    this.#engine = engine;
    this.#bucketsOf = buckets;
  }

  node(bucket: string): Node<readonly string[]> {
    const known = this.#cells.get(bucket);
    if (known !== undefined) return known;
    const cell = new Cell(
      this.#engine.garden,
      () => this.#keys(bucket),
      () => this.#cells.delete(bucket),
    );
    this.#cells.set(bucket, cell);
    return cell;
  }

  /** The table's part: a key's value changed, so it may have changed buckets. */
  move(key: string, before: V | undefined, after: V | undefined): void {
    const left = new Set(before === undefined ? [] : this.#bucketsOf(before, key));
    const entered = new Set(after === undefined ? [] : this.#bucketsOf(after, key));
    for (const bucket of left.difference(entered)) {
      const members = this.#members.get(bucket);
      members?.delete(key);
      if (members?.size === 0) this.#members.delete(bucket);
      this.#changed(bucket);
    }
    for (const bucket of entered.difference(left)) {
      const members = this.#members.get(bucket) ?? new Set();
      this.#members.set(bucket, members.add(key));
      this.#changed(bucket);
    }
  }

  #changed(bucket: string): void {
    this.#sorted.delete(bucket);
    this.#engine.touch(this.#cells.get(bucket));
  }

  #keys(bucket: string): readonly string[] {
    const known = this.#sorted.get(bucket);
    if (known !== undefined) return known;
    const members = this.#members.get(bucket);
    if (members === undefined) return NOTHING;
    const keys = [...members].sort();
    this.#sorted.set(bucket, keys);
    return keys;
  }
}
