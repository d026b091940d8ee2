import { Cell, type Engine, type Node, type Source } from "./engine.ts";
import { equal } from "./equal.ts";
import type { Sink } from "./sink.ts";
import { union } from "./sorted.ts";

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

  /** Finds values by something other than their key. Make indexes before anything is written. */
  index(entries: Entries<V>): Index<V> {
    if (this.#values.size > 0) throw new TypeError("an index was made over a table in use");
    const index = new Index(this.#engine, entries);
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

  /** Whether anything that is kept was made of what stands under the key, or of there being nothing. */
  isRead(key: string): boolean {
    return this.#cells.get(key)?.unread === false;
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

/** Says where a value is found: in which buckets, and as what, which is often its key. */
export type Entries<V> = (
  value: V,
  key: string,
) => Iterable<readonly [bucket: string, member: string]>;

const NOTHING: readonly string[] = [];

/** What a table's values have in common, by bucket. A read gives the bucket's members, sorted. */
export class Index<V> implements Source<[bucket: string], readonly string[]> {
  readonly #engine: Engine;
  readonly #entries: Entries<V>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #cells = new Map<string, Cell<readonly string[]>>();

  constructor(engine: Engine, entries: Entries<V>) {
    this.#engine = engine;
    this.#entries = entries;
  }

  node(bucket: string): Node<readonly string[]> {
    const known = this.#cells.get(bucket);
    if (known !== undefined) return known;
    const cell = new Cell(
      this.#engine.garden,
      () => this.#buckets.get(bucket)?.sorted() ?? NOTHING,
      () => this.#cells.delete(bucket),
    );
    this.#cells.set(bucket, cell);
    return cell;
  }

  /** The table's part: a key's value changed, so it may be found elsewhere now. */
  move(key: string, before: V | undefined, after: V | undefined): void {
    const left = before === undefined ? [] : [...this.#entries(before, key)];
    const entered = after === undefined ? [] : [...this.#entries(after, key)];
    if (equal(left, entered)) return;
    // First in, then out: a member that stays in its bucket never leaves it.
    for (const [bucket, member] of entered) this.#add(bucket, member);
    for (const [bucket, member] of left) this.#remove(bucket, member);
  }

  #add(name: string, member: string): void {
    const bucket = this.#buckets.get(name) ?? new Bucket();
    this.#buckets.set(name, bucket);
    if (bucket.add(member)) this.#engine.touch(this.#cells.get(name));
  }

  #remove(name: string, member: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined || !bucket.remove(member)) return;
    if (bucket.empty) this.#buckets.delete(name);
    this.#engine.touch(this.#cells.get(name));
  }
}

function updated(sorted: readonly string[], news: ReadonlyMap<string, boolean>): readonly string[] {
  const [came, went]: [string[], string[]] = [[], []];
  for (const [member, isIn] of news) (isIn ? came : went).push(member);
  const gone = new Set(went);
  const left = went.length === 0 ? sorted : sorted.filter((member) => !gone.has(member));
  return union([left, came.sort()]);
}

/** A set that several values may put the same member into. */
class Bucket {
  readonly #counts = new Map<string, number>();
  /** As it was last read, which is not changed: it was given out. */
  #sorted: readonly string[] | undefined;
  /** Members that came (`true`) and went since then: mostly one of many. */
  #news: Map<string, boolean> | undefined;

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  sorted(): readonly string[] {
    const [before, news] = [this.#sorted, this.#news];
    this.#news = undefined;
    if (before === undefined) this.#sorted = [...this.#counts.keys()].sort();
    else if (news !== undefined) this.#sorted = updated(before, news);
    return this.#sorted ?? NOTHING;
  }

  /** @returns whether the member is new */
  add(member: string): boolean {
    const count = this.#counts.get(member) ?? 0;
    this.#counts.set(member, count + 1);
    if (count === 0) this.#note(member, true);
    return count === 0;
  }

  /** @returns whether the member is gone */
  remove(member: string): boolean {
    const count = this.#counts.get(member) ?? 0;
    if (count > 1) {
      this.#counts.set(member, count - 1);
      return false;
    }
    this.#note(member, false);
    return this.#counts.delete(member);
  }

  #note(member: string, isIn: boolean): void {
    if (this.#sorted === undefined) return;
    this.#news ??= new Map();
    this.#news.set(member, isIn);
  }
}
