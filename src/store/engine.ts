/**
 * The incremental engine. Inputs are cells; derived values are queries, pure functions that read
 * cells and other queries through a context which remembers each read. A changed cell marks what
 * read it; a marked query is recomputed only when somebody asks for it, and if its value comes out
 * equal, its own readers are left alone. docs/adr/0001-incremental-engine.md tells why it is so.
 *
 * The law: whatever was edited in whatever order, a query's value is what it would be in an engine
 * that had never known anything else.
 */
import { equal } from "./equal.ts";

export type Argument = string | number;

/** What a query may read the world through. Reads behind its back go stale without notice. */
export interface Context {
  get<A extends readonly Argument[], V>(from: Source<A, V>, ...key: A): V;
}

/** Values by key: a table of inputs, an index over one, or a query. */
export interface Source<A extends readonly Argument[], V> {
  node(...key: A): Node<V>;
}

/** May have changed; did change. A reader that is marked has marked its own readers before. */
const CLEAN = 0;
const SUSPECT = 1;
const STALE = 2;
type Mark = typeof SUSPECT | typeof STALE;

interface Reader {
  mark(mark: Mark): void;
}

/** One value that others read. */
export abstract class Node<V> {
  readonly #garden: Garden;
  /** Most values have one reader: a set for each would weigh more than the values. */
  #readers: Reader | Set<Reader> | undefined;

  /** Made for a reader that attaches at once; one that does not stay tells the garden itself. */
  constructor(garden: Garden) {
    this.#garden = garden;
  }

  /** The value, current as of this call. */
  abstract read(): V;
  /** Brings the value up to date; if it changed, the readers are marked stale. */
  abstract settle(): void;
  /** Nobody reads this any more: lets go of what it holds. */
  abstract dispose(): void;

  get unread(): boolean {
    return this.#readers === undefined;
  }

  /** @returns false if the reader was known already */
  attach(reader: Reader): boolean {
    const readers = this.#readers;
    if (readers === reader) return false;
    if (readers === undefined) this.#readers = reader;
    else if (!(readers instanceof Set)) this.#readers = new Set([readers, reader]);
    else if (readers.has(reader)) return false;
    else readers.add(reader);
    return true;
  }

  detach(reader: Reader): void {
    const readers = this.#readers;
    if (readers instanceof Set) readers.delete(reader);
    if (readers === reader || (readers instanceof Set && readers.size === 0))
      this.#readers = undefined;
    if (this.unread) this.#garden.add(this);
  }

  protected markReaders(mark: Mark): void {
    const readers = this.#readers;
    if (readers instanceof Set) for (const reader of readers) reader.mark(mark);
    else readers?.mark(mark);
  }
}

/** Nodes that may have lost their last reader. */
class Garden {
  readonly #weeds = new Set<Node<unknown>>();

  get size(): number {
    return this.#weeds.size;
  }

  add(node: Node<unknown>): void {
    this.#weeds.add(node);
  }

  /** Disposing of a node may orphan those it read: they join the set while it is walked. */
  weed(): void {
    for (const node of this.#weeds) {
      this.#weeds.delete(node);
      if (node.unread) node.dispose();
    }
  }
}

/** A value from outside. */
export class Cell<V> extends Node<V> {
  readonly #read: () => V;
  readonly #dispose: () => void;

  constructor(garden: Garden, read: () => V, dispose: () => void) {
    super(garden);
    this.#read = read;
    this.#dispose = dispose;
  }

  read(): V {
    return this.#read();
  }

  settle(): void {}

  dispose(): void {
    this.#dispose();
  }

  changed(): void {
    this.markReaders(STALE);
  }
}

type Outcome<V> = { readonly value: V } | { readonly error: unknown };

/** What a memo needs of its query. */
interface Formula<A extends readonly Argument[], V> {
  readonly garden: Garden;
  compute(cx: Context, key: A): V;
  equal(a: V, b: V): boolean;
  forget(key: A): void;
}

/** A derived value, its last outcome and what it read to get there. */
class Memo<A extends readonly Argument[], V> extends Node<V> implements Reader, Context {
  readonly #formula: Formula<A, V>;
  readonly #key: A;
  #state: typeof CLEAN | Mark = STALE;
  #computing = false;
  #outcome: Outcome<V> | undefined;
  #inputs: Node<unknown>[] = [];

  constructor(formula: Formula<A, V>, key: A) {
    super(formula.garden);
    this.#formula = formula;
    this.#key = key;
  }

  get<B extends readonly Argument[], T>(from: Source<B, T>, ...key: B): T {
    if (!this.#computing) throw new TypeError("a query read through its context after it returned");
    const input = from.node(...key);
    if (input.attach(this)) this.#inputs.push(input);
    return input.read();
  }

  mark(mark: Mark): void {
    if (this.#state >= mark) return;
    const wasClean = this.#state === CLEAN;
    this.#state = mark;
    if (wasClean) this.markReaders(SUSPECT);
  }

  read(): V {
    this.settle();
    const outcome = this.#outcome;
    if (outcome === undefined) throw new TypeError("a query was read before it was computed");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  settle(): void {
    if (this.#computing) throw new TypeError("a query reads itself");
    if (this.#state === SUSPECT) this.#settleInputs();
    if (this.#state === STALE) this.#recompute();
    this.#state = CLEAN;
  }

  dispose(): void {
    for (const input of this.#inputs) input.detach(this);
    this.#inputs = [];
    this.#state = STALE;
    this.#formula.forget(this.#key);
  }

  /** In the order in which they were read: an input that a changed one decides on is not touched. */
  #settleInputs(): void {
    for (const input of this.#inputs) {
      input.settle();
      // A changed input has marked this query.
      if (this.#isStale()) return;
    }
  }

  #isStale(): boolean {
    return this.#state === STALE;
  }

  #recompute(): void {
    for (const input of this.#inputs) input.detach(this);
    this.#inputs = [];
    const previous = this.#outcome;
    this.#outcome = this.#run();
    const same =
      previous !== undefined &&
      "value" in previous &&
      "value" in this.#outcome &&
      this.#formula.equal(previous.value, this.#outcome.value);
    if (same) this.#outcome = previous;
    else this.markReaders(STALE);
  }

  /** What a query throws is its outcome, and goes to whoever reads it until an input changes. */
  #run(): Outcome<V> {
    this.#computing = true;
    try {
      return { value: this.#formula.compute(this, this.#key) };
    } catch (error) {
      return { error };
    } finally {
      this.#computing = false;
    }
  }
}

export type Equal<V> = (a: V, b: V) => boolean;

/** Memos by the arguments of their key, one level for each. */
type Memos<A extends readonly Argument[], V> = Map<Argument, Memo<A, V> | Memos<A, V>>;

/**
 * A pure function of its key and of what it reads, computed when asked for and then kept. Of several
 * arguments, those with fewer values come first: that is how keys are stored.
 */
export class Query<A extends readonly Argument[], V> implements Source<A, V> {
  readonly #formula: Formula<A, V>;
  readonly #memos: Memos<A, V> = new Map();
  #size = 0;

  constructor(garden: Garden, compute: (cx: Context, ...key: A) => V, equals: Equal<V>) {
    this.#formula = {
      garden,
      compute: (cx, key) => compute(cx, ...key),
      equal: equals,
      forget: (key) => this.#forget(key, this.#memos),
    };
  }

  /** How many keys somebody asked for and nobody let go of. */
  get size(): number {
    return this.#size;
  }

  node(...key: A): Node<V> {
    let level = this.#memos;
    for (const argument of key) {
      const next = level.get(argument);
      if (next === undefined) return this.#create(key);
      if (next instanceof Memo) return next;
      level = next;
    }
    return this.#create(key);
  }

  #create(key: A): Memo<A, V> {
    const memo = new Memo(this.#formula, key);
    let level = this.#memos;
    for (const argument of key.slice(0, -1)) {
      const next = level.get(argument);
      const found: Memos<A, V> = next instanceof Map ? next : new Map();
      level.set(argument, found);
      level = found;
    }
    level.set(key.at(-1) ?? "", memo);
    this.#size += 1;
    return memo;
  }

  #forget([first = "", ...others]: readonly Argument[], level: Memos<A, V>): void {
    const next = level.get(first);
    if (next instanceof Map) this.#forget(others, next);
    else this.#size -= 1;
    if (!(next instanceof Map) || next.size === 0) level.delete(first);
  }
}

/** Keeps one value alive, and says when it may have changed. */
export class Watch<V> implements Reader {
  readonly #node: Node<V>;
  readonly #onSuspect: () => void;
  #suspect = true;

  constructor(node: Node<V>, onSuspect: () => void) {
    this.#node = node;
    this.#onSuspect = onSuspect;
    node.attach(this);
  }

  /** The current value; `onSuspect` is called once after it, when an input of it changes. */
  read(): V {
    try {
      return this.#node.read();
    } finally {
      this.#suspect = false;
    }
  }

  mark(): void {
    if (this.#suspect) return;
    this.#suspect = true;
    this.#onSuspect();
  }

  dispose(): void {
    this.#node.detach(this);
  }
}

/** How many values that nobody reads any more are kept until the next change. */
const MAX_UNREAD = 10_000;

/** A world of inputs and queries. Single-threaded: nothing is read while inputs are written. */
export class Engine implements Context {
  readonly garden = new Garden();
  readonly #maxUnread: number;
  readonly #listeners = new Set<() => void>();
  #depth = 0;
  #reads = 0;
  #written = false;
  #moment = 0;

  constructor(maxUnread = MAX_UNREAD) {
    this.#maxUnread = maxUnread;
  }

  /** How many batches have changed an input: while it stays, so does every value. */
  get moment(): number {
    return this.#moment;
  }

  query<A extends readonly Argument[], V>(
    compute: (cx: Context, ...key: A) => V,
    equals: Equal<V> = equal,
  ): Query<A, V> {
    return new Query(this.garden, compute, equals);
  }

  /** Reads once, for somebody who will not be told when it changes. */
  get<A extends readonly Argument[], V>(from: Source<A, V>, ...key: A): V {
    const node = from.node(...key);
    if (node.unread) this.garden.add(node);
    this.#reads += 1;
    try {
      return node.read();
    } finally {
      this.#reads -= 1;
      // Not while a read is under way: its value may have no other reader.
      if (this.#reads + this.#depth === 0 && this.garden.size > this.#maxUnread) this.garden.weed();
    }
  }

  watch<V>(node: Node<V>, onSuspect: () => void): Watch<V> {
    return new Watch(node, onSuspect);
  }

  /** Calls back after each batch that changed an input; returns the undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes one batch of all writes in `write`: listeners see all of it or none. */
  batch(write: () => void): void {
    this.#depth += 1;
    try {
      write();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0 && this.#written) this.#commit();
    }
  }

  /** A table reports that a cell's value is another one now. Only within a batch. */
  touch(cell: Cell<unknown> | undefined): void {
    if (this.#depth === 0) throw new TypeError("an input was written outside a batch");
    this.#written = true;
    cell?.changed();
  }

  #commit(): void {
    this.#written = false;
    this.#moment += 1;
    this.garden.weed();
    for (const listener of this.#listeners) listener();
  }
}
