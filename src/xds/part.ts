/** The resources that one row of the translator makes for one projection of the view, kept current. */
import type { Watch } from "../store/engine.ts";
import { History } from "../store/history.ts";
import type { Reading } from "./projection.ts";
import type { EncodedResource, ResourceSet } from "./resource.ts";

/** A resource as far as a projection leads to one. */
export type Resolved = Reading<EncodedResource | undefined>;

/** What a part is made from. */
export interface PartSource {
  readonly keys: KeySource;
  watch(key: string, onSuspect: () => void): Watch<Resolved>;
  /** A number higher than any before. */
  nextGeneration(): number;
  /** A translation threw: a bug, which must not take other resources with it. */
  onFault(key: string, error: unknown): void;
}

export interface KeySource {
  /** What happened to the keys since the last call. */
  changed(): KeyChanges;
  dispose(): void;
}

/** First some go, then some come: one may do both. */
export interface KeyChanges {
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export const UNCHANGED: KeyChanges = { removed: [], added: [] };

interface Entry {
  readonly watch: Watch<Resolved>;
  resource: EncodedResource | undefined;
}

type Changes = Map<string, EncodedResource | undefined>;

export class Part {
  readonly #source: PartSource;
  readonly #entries = new Map<string, Entry>();
  /** Keys whose resource may have changed: all that a refresh has to look at. */
  readonly #suspects = new Set<string>();
  readonly #deferred = new Set<string>();
  readonly #history = new History<EncodedResource>();
  #deferrals = 0;
  #set: ResourceSet = this.#snapshot();

  constructor(source: PartSource) {
    this.#source = source;
  }

  /** As of the last refresh. */
  get set(): ResourceSet {
    return this.#set;
  }

  /** Keys whose resources depend on more of the view than the projection holds. */
  get deferred(): ReadonlySet<string> {
    return this.#deferred;
  }

  /** Grows whenever `deferred` changes. */
  get deferrals(): number {
    return this.#deferrals;
  }

  refresh(): void {
    const { removed, added } = this.#source.keys.changed();
    if (removed.length === 0 && added.length === 0 && this.#suspects.size === 0) return;
    const changes: Changes = new Map();
    for (const key of removed) this.#drop(key, changes);
    for (const key of added) this.#add(key);
    for (const key of this.#suspects) {
      this.#suspects.delete(key);
      this.#update(key, changes);
    }
    if (changes.size === 0) return;
    this.#history.commit(this.#source.nextGeneration(), changes);
    this.#set = this.#snapshot();
  }

  dispose(): void {
    this.#source.keys.dispose();
    for (const { watch } of this.#entries.values()) watch.dispose();
  }

  #add(key: string): void {
    const watch = this.#source.watch(key, () => this.#suspects.add(key));
    this.#entries.set(key, { watch, resource: undefined });
    this.#suspects.add(key);
  }

  #drop(key: string, changes: Changes): void {
    const entry = this.#entries.get(key);
    if (entry?.resource !== undefined) changes.set(entry.resource.name, undefined);
    entry?.watch.dispose();
    this.#entries.delete(key);
    this.#suspects.delete(key);
    this.#defer(key, false);
  }

  #update(key: string, changes: Changes): void {
    const entry = this.#entries.get(key);
    const resolved = entry && this.#resolve(key, entry);
    // After a fault the proxies keep what they have.
    if (entry === undefined || resolved === undefined) return;
    this.#defer(key, "needs" in resolved);
    const resource = "needs" in resolved ? undefined : resolved.value;
    const { resource: before } = entry;
    if (resource === before) return;
    entry.resource = resource;
    if (before !== undefined && before.name !== resource?.name) changes.set(before.name, undefined);
    if (resource !== undefined) changes.set(resource.name, resource);
  }

  #resolve(key: string, { watch }: Entry): Resolved | undefined {
    try {
      return watch.read();
    } catch (error) {
      this.#source.onFault(key, error);
      return undefined;
    }
  }

  #defer(key: string, isDeferred: boolean): void {
    if (this.#deferred.has(key) === isDeferred) return;
    this.#deferrals += 1;
    if (isDeferred) this.#deferred.add(key);
    else this.#deferred.delete(key);
  }

  #snapshot(): ResourceSet {
    const history = this.#history;
    const { current: resources, generation } = history;
    return {
      generation,
      resources,
      // Names that changed after this snapshot was taken may be among them: it is no error to look.
      changedSince: (since) => history.changedSince(since),
    };
  }
}
