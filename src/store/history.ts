/** A map that goes on while older versions of it stay readable, at the cost of what changed since. */

/** Commits after which a version gets a map of its own, so that no read walks further than this. */
const CHAIN = 64;
/** Commits whose names are remembered. */
const LOG = 256;

/** The content at one generation. It never changes; what is newer is in newer versions. */
export class Version<V> implements ReadonlyMap<string, V> {
  /** Only the newest version of a chain has the map; older ones know what differs from the next. */
  #map: Map<string, V> | undefined;
  #newer:
    | { readonly version: Version<V>; readonly before: ReadonlyMap<string, V | undefined> }
    | undefined;

  constructor(map: Map<string, V>) {
    this.#map = map;
  }

  get size(): number {
    return this.#own().size;
  }

  get(name: string): V | undefined {
    const newer = this.#newer;
    if (newer === undefined) return this.#map?.get(name);
    return newer.before.has(name) ? newer.before.get(name) : newer.version.get(name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  entries(): MapIterator<[string, V]> {
    return this.#own().entries();
  }

  keys(): MapIterator<string> {
    return this.#own().keys();
  }

  values(): MapIterator<V> {
    return this.#own().values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  /** The next version, which takes over the map if it is `handed` on, and else copies it. */
  next(changes: ReadonlyMap<string, V | undefined>, handOn: boolean): Version<V> {
    const own = this.#own();
    if (!handOn) return new Version(applied(new Map(own), changes));
    const before = new Map([...changes.keys()].map((name) => [name, own.get(name)]));
    const version = new Version(applied(own, changes));
    this.#map = undefined;
    this.#newer = { version, before };
    return version;
  }

  /** Walking an old version makes it one with a map of its own. */
  #own(): Map<string, V> {
    if (this.#map !== undefined) return this.#map;
    const newer = this.#newer;
    if (newer === undefined) throw new TypeError("a version has neither a map nor a successor");
    this.#map = applied(new Map(newer.version.#own()), newer.before);
    this.#newer = undefined;
    return this.#map;
  }
}

function applied<V>(
  map: Map<string, V>,
  changes: ReadonlyMap<string, V | undefined>,
): Map<string, V> {
  for (const [name, value] of changes)
    if (value === undefined) map.delete(name);
    else map.set(name, value);
  return map;
}

interface LogEntry {
  readonly generation: number;
  readonly names: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** The versions of one map, and the names that changed from one to the next. */
export class History<V> {
  #current = new Version<V>(new Map());
  #generation = 0;
  #commits = 0;
  readonly #log: LogEntry[] = [];
  /** Changes up to this generation are forgotten. */
  #floor = 0;
  /** Answers about the current generation, by the one asked from. */
  readonly #answers = new Map<number, ReadonlySet<string>>();

  get current(): Version<V> {
    return this.#current;
  }

  /** 0 until something was ever in the map. */
  get generation(): number {
    return this.#generation;
  }

  /** @param generation higher than any before */
  commit(generation: number, changes: ReadonlyMap<string, V | undefined>): void {
    this.#commits += 1;
    this.#current = this.#current.next(changes, this.#commits % CHAIN !== 0);
    this.#generation = generation;
    this.#answers.clear();
    this.#log.push({ generation, names: new Set(changes.keys()) });
    if (this.#log.length > LOG) this.#floor = this.#log.shift()?.generation ?? this.#floor;
  }

  /** Names that changed after a generation; `undefined` if that is too long ago to know. */
  changedSince(generation: number): ReadonlySet<string> | undefined {
    if (generation >= this.#generation) return NONE;
    if (generation < this.#floor) return undefined;
    const known = this.#answers.get(generation);
    if (known !== undefined) return known;
    const first = this.#log.findLastIndex((entry) => entry.generation <= generation) + 1;
    const [only = NONE, ...others] = this.#log.slice(first).map(({ names }) => names);
    const answer =
      others.length === 0 ? only : others.reduce((all, names) => all.union(names), only);
    this.#answers.set(generation, answer);
    return answer;
  }
}
