import { LayeredSet, type Layering } from "./layers.ts";
import type { Part } from "./part.ts";
import type { RowKeys } from "./part-keys.ts";
import { NOTHING, type Projection, type Projections } from "./projection.ts";
import type { ResourceSet, ResourceType, Scope } from "./resource.ts";

/** Where parts come from. */
export interface PartPool {
  readonly projections: Projections;
  readonly layering: Layering;
  /** While it stays, no part changes. */
  readonly moment: number;
  rowsOf(type: ResourceType): readonly number[];
  acquire(row: number, known: Projection): { readonly part: Part; readonly keys: RowKeys };
  release(row: number, known: Projection): void;
  /** A part for what `base` defers, made for one whole view, not shared. */
  rest(row: number, base: Part, view: Projection): Part;
  nextGeneration(): number;
}

/** The scope of one view: per row of the translator, the part that its view leads to. */
export class ViewScope implements Scope {
  readonly #pool: PartPool;
  readonly #view: Projection;
  readonly #types = new Map<ResourceType, TypeScope>();

  constructor(pool: PartPool, view: Projection) {
    this.#pool = pool;
    this.#view = view;
  }

  of(type: ResourceType): ResourceSet {
    const known = this.#types.get(type);
    if (known !== undefined) return known.current();
    const rows = this.#pool.rowsOf(type).map((row) => new Layer(this.#pool, row, this.#view));
    const scope = new TypeScope(rows, this.#pool);
    this.#types.set(type, scope);
    return scope.current();
  }

  dispose(): void {
    for (const scope of this.#types.values()) scope.dispose();
    this.#types.clear();
  }
}

/** All layers of one type, as one set that is the same object while nothing in it changes. */
class TypeScope {
  readonly #layers: readonly Layer[];
  readonly #pool: PartPool;
  #moves = 0;
  /** When a layer last moved to another part: generations from before mean other parts. */
  #since = 0;
  #layered: LayeredSet | undefined;
  #current: { readonly moment: number; readonly set: ResourceSet } | undefined;

  constructor(layers: readonly Layer[], pool: PartPool) {
    this.#layers = layers;
    this.#pool = pool;
  }

  current(): ResourceSet {
    const { moment } = this.#pool;
    if (this.#current?.moment !== moment) this.#current = { moment, set: this.#refresh() };
    return this.#current.set;
  }

  dispose(): void {
    for (const layer of this.#layers) layer.dispose();
  }

  #refresh(): ResourceSet {
    // A part that never held anything adds nothing, and one that ever did stays for its history.
    const sets = this.#layers
      .flatMap((layer) => layer.refresh())
      .filter(({ generation }) => generation > 0);
    this.#noteMoves();
    const [only] = sets;
    if (only !== undefined && sets.length === 1 && this.#since === 0) return only;
    if (this.#layered?.isOf(sets, this.#since)) return this.#layered;
    this.#layered =
      this.#since === 0 ? this.#pool.layering.of(sets) : new LayeredSet(sets, this.#since);
    return this.#layered;
  }

  #noteMoves(): void {
    const moves = this.#layers.reduce((sum, layer) => sum + layer.moves, 0);
    if (moves === this.#moves) return;
    this.#moves = moves;
    this.#since = this.#pool.nextGeneration();
  }
}

/** One row of the translator for one view: a shared part, and the rest that only this view has. */
class Layer {
  readonly #pool: PartPool;
  readonly #row: number;
  readonly #view: Projection;
  #known = NOTHING;
  #shared: { readonly part: Part; readonly keys: RowKeys };
  #rest: Part | undefined;
  #isPlaced = false;
  #moves = 0;

  constructor(pool: PartPool, row: number, view: Projection) {
    this.#pool = pool;
    this.#row = row;
    this.#view = view;
    this.#shared = pool.acquire(row, this.#known);
  }

  /** How often it left a part whose content may have been seen. */
  get moves(): number {
    return this.#moves;
  }

  refresh(): readonly ResourceSet[] {
    this.#place();
    const { part } = this.#shared;
    part.refresh();
    if (part.deferred.size > 0) this.#rest ??= this.#pool.rest(this.#row, part, this.#view);
    this.#rest?.refresh();
    return this.#rest === undefined ? [part.set] : [part.set, this.#rest.set];
  }

  dispose(): void {
    this.#rest?.dispose();
    this.#pool.release(this.#row, this.#known);
  }

  /** Finds the part whose projection holds what the row's keys read, from the one it is at. */
  #place(): void {
    for (;;) {
      const { needs } = this.#shared.keys;
      if (needs === undefined) break;
      const next = this.#pool.projections.extended(this.#known, needs, this.#view);
      this.dispose();
      this.#rest = undefined;
      this.#shared = this.#pool.acquire(this.#row, next);
      this.#known = next;
      if (this.#isPlaced) this.#moves += 1;
    }
    this.#isPlaced = true;
  }
}
