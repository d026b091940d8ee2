import type { EncodedResource, ResourceSet } from "../xds/resource.ts";
import { CHUNK_BYTES, fitting } from "./work.ts";

/** Resources that go out in one response to whoever has none of them: made once for all. */
export class Fresh {
  readonly resources: readonly EncodedResource[];
  #names: ReadonlySet<string> | undefined;
  #clusters: readonly string[] | undefined;

  constructor(resources: readonly EncodedResource[]) {
    this.resources = resources;
  }

  get names(): ReadonlySet<string> {
    this.#names ??= new Set(this.resources.map(({ name }) => name));
    return this.#names;
  }

  /** Clusters that any of them names. */
  get clusters(): readonly string[] {
    this.#clusters ??= [...new Set(this.resources.flatMap(({ clusters }) => clusters))];
    return this.#clusters;
  }
}

/** What a group of names comes to in one set. */
export interface Group {
  readonly batches: readonly Fresh[];
  /** Names of which the set has nothing. */
  readonly missing: readonly string[];
}

/**
 * Names in the order in which clients come to want them, in the groups in which they ask. Clients of
 * a scope ask alike, so one roll serves them all: each is somewhere on it. It only ever grows.
 */
export class Roll {
  readonly #groups: (readonly string[])[] = [];
  readonly #positions = new Map<string, number>();
  readonly #known: WeakMap<ResourceSet, Group>[] = [];
  /** The newest of each group: most changes leave most groups as they are. */
  readonly #newest: (Group | undefined)[] = [];
  readonly #limit: number;

  /** @param limit of a response in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#groups.length;
  }

  names(group: number): readonly string[] {
    return this.#groups[group] ?? [];
  }

  /** The group that a name is in. */
  position(name: string): number | undefined {
    return this.#positions.get(name);
  }

  /** @param names none of which is on the roll */
  append(names: readonly string[]): void {
    for (const name of names) this.#positions.set(name, this.#groups.length);
    this.#groups.push(names);
    this.#known.push(new WeakMap());
  }

  group(index: number, set: ResourceSet): Group {
    const known = this.#known[index]?.get(set);
    if (known !== undefined) return known;
    const made = this.#shared(index, this.#make(this.names(index), set));
    this.#known[index]?.set(set, made);
    return made;
  }

  #make(names: readonly string[], { resources }: ResourceSet): Group {
    const found = names.flatMap((name) => resources.get(name) ?? []);
    const batches: Fresh[] = [];
    for (let from = 0; from < found.length; ) {
      const count = fitting(found.slice(from), this.#limit);
      batches.push(new Fresh(found.slice(from, from + count)));
      from += count;
    }
    return { batches, missing: names.filter((name) => !resources.has(name)) };
  }

  #shared(index: number, made: Group): Group {
    const newest = this.#newest[index];
    if (newest !== undefined && sameGroup(newest, made)) return newest;
    this.#newest[index] = made;
    return made;
  }
}

function sameGroup(a: Group, b: Group): boolean {
  const isSame = a.batches.length === b.batches.length && a.missing.length === b.missing.length;
  return (
    isSame && a.batches.every(({ resources }, i) => sameItems(resources, b.batches[i]?.resources))
  );
}

function sameItems(a: readonly unknown[], b: readonly unknown[] = []): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

const wholes = new WeakMap<ResourceSet, Roll>();

/** Everything in a set, in groups of the size of a response. */
export function rollOf(set: ResourceSet): Roll {
  const known = wholes.get(set);
  if (known !== undefined) return known;
  // Its groups are cut to size here: one that grows later stays one response.
  const roll = new Roll(Number.POSITIVE_INFINITY);
  const all = [...set.resources.values()];
  for (let from = 0; from < all.length; ) {
    const count = fitting(all.slice(from, from + MAX_GROUP), CHUNK_BYTES);
    roll.append(all.slice(from, from + count).map(({ name }) => name));
    from += count;
  }
  wholes.set(set, roll);
  return roll;
}

/** More resources than fit into a response. */
const MAX_GROUP = 1_000;

const asked = new WeakMap<ResourceSet, Roll>();

/** The roll of clients that first ask by name while `set` is what there is. */
export function namedRoll(set: ResourceSet): Roll {
  const known = asked.get(set) ?? new Roll(CHUNK_BYTES);
  asked.set(set, known);
  return known;
}
