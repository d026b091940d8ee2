/**
 * Resources per scope, kept current. What a translation reads of a proxy's view decides with whom
 * the proxy shares the result: keys and resources are queries, keyed by exactly the fields they
 * read. A scope is a pile of parts that are mostly its namespace's, so a proxy costs what is its
 * own, and a change costs the resources whose reads it touched, once for all who share them.
 */
import type { Mesh } from "../model/ir/mesh.ts";
import type { Context, Engine } from "../store/engine.ts";
import { equal } from "../store/equal.ts";
import { Layering } from "./layers.ts";
import { Part, type Resolved } from "./part.ts";
import { RestKeys, RowKeys } from "./part-keys.ts";
import { NOTHING, type Projection, Projections, type Reading, wholeView } from "./projection.ts";
import type { EncodedResource, ResourceType, Scopes } from "./resource.ts";
import type { Translated, Translator } from "./translator.ts";
import { type PartPool, ViewScope } from "./view-scope.ts";

export interface ScopesOptions {
  readonly engine: Engine;
  readonly mesh: (cx: Context) => Mesh;
  readonly translators: readonly Translator[];
  readonly encode: (type: ResourceType, translated: Translated) => EncodedResource;
  /** A translator threw, which is a bug: proxies keep what they have of that resource. */
  readonly onFault: (fault: TranslationFault) => void;
}

export interface TranslationFault {
  readonly type: ResourceType;
  /** Empty if the keys themselves could not be listed. */
  readonly key: string;
  readonly error: unknown;
}

export function createScopes(options: ScopesOptions): Scopes {
  const parts = new Parts(options);
  const scopes = new Map<Projection, { readonly scope: ViewScope; users: number }>();
  return {
    acquire(view) {
      const key = wholeView(view);
      const shared = scopes.get(key) ?? { scope: new ViewScope(parts, key), users: 0 };
      scopes.set(key, shared);
      shared.users += 1;
      let isHeld = true;
      return {
        scope: shared.scope,
        release: () => {
          if (!isHeld) return;
          isHeld = false;
          shared.users -= 1;
          if (shared.users > 0) return;
          scopes.delete(key);
          shared.scope.dispose();
        },
      };
    },
    onChange: (listener) => options.engine.onChange(listener),
  };
}

function rowAt(translators: readonly Translator[], index: number): Translator {
  const row = translators[index];
  if (row === undefined) throw new RangeError(`the translator has no row ${index}`);
  return row;
}

/** Of a row without groups. */
const ALL: readonly string[] = [""];

/** The translator's rows as queries. */
function rowQueries(
  { engine, mesh, translators, encode }: ScopesOptions,
  projections: Projections,
) {
  const row = (index: number): Translator => rowAt(translators, index);
  const groups = engine.query(
    (cx, index: number, known: Projection): Reading<readonly string[]> =>
      projections.read(known, (view) => row(index).groups?.(mesh(cx), view) ?? ALL),
  );
  const keys = engine.query(
    (cx, index: number, known: Projection, group: string): Reading<readonly string[]> =>
      projections.read(known, (view) => row(index).keys(mesh(cx), view, group)),
  );
  const attempt = engine.query(
    (cx, index: number, known: Projection, key: string): Resolved =>
      projections.read(known, (view) => {
        const translated = row(index).resource(mesh(cx), view, key);
        return translated && encode(row(index).type, translated);
      }),
    sameResolved,
  );
  const standpoint = (cx: Context, index: number, namespace: string, key: string): string =>
    row(index).standpoint?.(mesh(cx), namespace, key) ?? namespace;
  /** Tries with nothing known, then with each field that is asked for, as far as `known` goes. */
  const resource = engine.query((cx, index: number, known: Projection, key: string): Resolved => {
    let tried = NOTHING;
    for (;;) {
      const resolved = cx.get(attempt, index, tried, key);
      if (!("needs" in resolved) || !projections.holds(known, resolved.needs)) return resolved;
      tried =
        resolved.needs === "namespace"
          ? projections.placed(tried, known, (namespace) => standpoint(cx, index, namespace, key))
          : projections.extended(tried, resolved.needs, known);
    }
  }, sameResolved);
  return { groups, keys, resource };
}

function sameResolved(a: Resolved, b: Resolved): boolean {
  return "needs" in a || "needs" in b ? equal(a, b) : sameResource(a.value, b.value);
}

/** Equal versions are equal bodies; what delivery and users must know besides is compared. */
function sameResource(a: EncodedResource | undefined, b: EncodedResource | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.version === b.version &&
    a.name === b.name &&
    equal(a.clusters, b.clusters) &&
    equal(a.patches?.omitted, b.patches?.omitted)
  );
}

/** Parts by row and projection, shared by all scopes that lead there. */
class Parts implements PartPool {
  readonly projections = new Projections();
  readonly layering = new Layering();
  readonly #options: ScopesOptions;
  readonly #queries: ReturnType<typeof rowQueries>;
  readonly #parts = new Map<
    string,
    { readonly part: Part; readonly keys: RowKeys; users: number }
  >();
  #generation = 0;

  constructor(options: ScopesOptions) {
    this.#options = options;
    this.#queries = rowQueries(options, this.projections);
  }

  get moment(): number {
    return this.#options.engine.moment;
  }

  rowsOf(type: ResourceType): readonly number[] {
    return [...this.#options.translators.entries()].flatMap(([i, row]) =>
      row.type === type ? [i] : [],
    );
  }

  nextGeneration(): number {
    this.#generation += 1;
    return this.#generation;
  }

  acquire(row: number, known: Projection): { readonly part: Part; readonly keys: RowKeys } {
    const id = `${row} ${known}`;
    const shared = this.#parts.get(id) ?? { ...this.#create(row, known), users: 0 };
    this.#parts.set(id, shared);
    shared.users += 1;
    return shared;
  }

  release(row: number, known: Projection): void {
    const id = `${row} ${known}`;
    const shared = this.#parts.get(id);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#parts.delete(id);
    shared.part.dispose();
  }

  /** A part for what `base` defers, made for one whole view. */
  rest(row: number, base: Part, view: Projection): Part {
    return this.#part(row, view, new RestKeys(base));
  }

  #create(row: number, known: Projection): { readonly part: Part; readonly keys: RowKeys } {
    const { engine, translators } = this.#options;
    const queries = this.#queries;
    const translator = rowAt(translators, row);
    const keys = new RowKeys({
      groups: (onSuspect) => engine.watch(queries.groups.node(row, known), onSuspect),
      keys: (group, onSuspect) => engine.watch(queries.keys.node(row, known, group), onSuspect),
      keyOf: (group, name) => translator.keyOf?.(group, name) ?? name,
      onFault: (error) => this.#fault(row, "", error),
    });
    return { part: this.#part(row, known, keys), keys };
  }

  #part(row: number, known: Projection, keys: RowKeys | RestKeys): Part {
    const { engine } = this.#options;
    return new Part({
      keys,
      watch: (key, onSuspect) =>
        engine.watch(this.#queries.resource.node(row, known, key), onSuspect),
      nextGeneration: () => this.nextGeneration(),
      onFault: (key, error) => this.#fault(row, key, error),
    });
  }

  #fault(row: number, key: string, error: unknown): void {
    const { type } = rowAt(this.#options.translators, row);
    this.#options.onFault({ type, key, error });
  }
}
