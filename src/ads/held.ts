import type { EncodedResource, ResourceSet } from "../xds/resource.ts";
import type { Backlog } from "./backlog.ts";

/** What a client has under one name; a client that reconnected tells only the version. */
export interface Held {
  readonly version: string;
  /** Clusters it names; `undefined`: unknown, so it may name any. */
  readonly clusters: readonly string[] | undefined;
  /** Of a cluster, the name of its endpoints; absent if that is its own, or unknown. */
  readonly assignment?: string;
}

/** How the client differs from the scope at one name. */
export interface Deviation {
  /** What the client has; `undefined` is nothing. */
  readonly held: Held | undefined;
  /** The client asked for it and waits: it is answered whatever we believe it has. */
  readonly asked: boolean;
}

const NOTHING: Deviation = { held: undefined, asked: false };
export const ASKED: Deviation = { held: undefined, asked: true };
/** The client has it, in a version that nobody remembers. */
export const SENT: Deviation = { held: { version: "", clusters: undefined }, asked: false };

/**
 * What a client has of one type: a generation of its scope, shared by all clients at that cursor,
 * less what it was never sent, and the few names at which it differs. So a client that is up to date
 * costs a pointer.
 */
export class Holding {
  #base: ResourceSet | undefined;
  #estranged = false;
  #backlog: Backlog | undefined;
  /** Names at which the client differs, or may differ, from `#base`; what is left to do. */
  readonly #deviations = new Map<string, Deviation>();

  get deviations(): ReadonlyMap<string, Deviation> {
    return this.#deviations;
  }

  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  /** What the client has under a name it wants. */
  held(name: string): Held | undefined {
    const deviation = this.#deviations.get(name);
    if (deviation !== undefined) return deviation.held;
    return this.#backlog?.has(name) ? undefined : this.#base?.resources.get(name);
  }

  /** The client has what `target` has, but for the backlog and the deviations that are noted next. */
  start(target: ResourceSet, backlog?: Backlog): void {
    this.#base = target;
    this.#backlog = backlog;
  }

  /** Names of the generation at the cursor, whether the client wants them or not. */
  names(): Iterable<string> {
    return this.#base?.resources.keys() ?? [];
  }

  /** What is in the backlog goes out anyway. */
  deviate(name: string, deviation: Deviation): void {
    if (!this.#backlog?.has(name)) this.#deviations.set(name, deviation);
  }

  /**
   * Looks at each name of the backlog by itself from now on.
   *
   * @param wanted whether the client wants the name still
   */
  spread(wanted: (name: string) => boolean): void {
    for (const name of this.#backlog?.drain() ?? [])
      if (wanted(name)) this.#deviations.set(name, ASKED);
  }

  /** The client has what the base has, or no longer cares. */
  settle(name: string): void {
    this.#deviations.delete(name);
  }

  /**
   * Describes the same content relative to `target`. What the client has does not change, only how
   * it is written down: afterwards the deviations are all that tells client and target apart.
   *
   * @param wanted whether the client wants the name: what it does not want is no deviation
   */
  rebase(target: ResourceSet, wanted: (name: string) => boolean): void {
    const base = this.#base;
    if (base === target || base === undefined) return;
    for (const name of changes(base, target, this.#estranged)) {
      if (!this.#deviations.has(name) && !this.#backlog?.has(name) && wanted(name))
        this.#deviations.set(name, deviationFrom(base.resources.get(name)));
    }
    this.#base = target;
    this.#estranged = false;
    for (const [name, deviation] of this.#deviations) {
      if (agrees(deviation, target.resources.get(name))) this.#deviations.delete(name);
    }
  }

  /** The scope was replaced by another: generations of the two have nothing to do with each other. */
  estrange(): void {
    this.#estranged = true;
  }
}

function deviationFrom(held: EncodedResource | undefined): Deviation {
  return held === undefined ? NOTHING : { held, asked: false };
}

function agrees({ held, asked }: Deviation, target: EncodedResource | undefined): boolean {
  return !asked && held?.version === target?.version;
}

function* changes(base: ResourceSet, target: ResourceSet, all: boolean): Iterable<string> {
  const known = all ? undefined : target.changedSince(base.generation);
  if (known !== undefined) {
    yield* known;
    return;
  }
  for (const [name, { version }] of target.resources)
    if (base.resources.get(name)?.version !== version) yield name;
  for (const name of base.resources.keys()) if (!target.resources.has(name)) yield name;
}
