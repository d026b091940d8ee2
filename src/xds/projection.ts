/**
 * How much of a proxy's view a translation read. It runs on a view that holds only some fields; if
 * it needs another, it says which, and runs again on a view that holds that one, too. So results
 * are keyed by what they depend on, and proxies that agree in it share them.
 */
import { type Labels, type ProxyView, selects } from "./view.ts";

/** Some fields of a view, as JSON with sorted names: what a translation may read, and its key. */
export type Projection = string;

/** Whether a selector, as JSON, selects the proxy: all that may be known of its labels. */
type Selects = `selects ${string}`;

export type Field = Exclude<keyof ProxyView, "hasLabels"> | Selects;

export const NOTHING: Projection = "{}";

export type Reading<T> = { readonly value: T } | { readonly needs: Field };

/** Thrown into a translation that reads a field its projection does not hold; `Projections.read` catches it. */
class Missing extends Error {
  readonly field: Field;

  constructor(field: Field) {
    super(`the projection does not hold ${field}`);
    this.field = field;
  }
}

/** Made once: where they are thrown tells nobody anything, and a stack trace costs more than a resource. */
const MISSING: Readonly<Record<Exclude<Field, Selects>, Missing>> = {
  kind: new Missing("kind"),
  namespace: new Missing("namespace"),
  workload: new Missing("workload"),
  serviceAccount: new Missing("serviceAccount"),
  labels: new Missing("labels"),
  locality: new Missing("locality"),
  node: new Missing("node"),
};

type Fields = Partial<Omit<ProxyView, "hasLabels">> & { readonly [selects: Selects]: boolean };

/** A field's value, as far as the fields hold it or what it follows from. */
function valueOf(fields: Fields, field: Field): Fields[Field] {
  const value = fields[field];
  if (value !== undefined || !isSelects(field) || fields.labels === undefined) return value;
  return selects(JSON.parse(field.slice(SELECTS.length)) as Labels, fields.labels);
}

const SELECTS = "selects ";
const isSelects = (field: Field): field is Selects => field.startsWith(SELECTS);

class PartialView implements ProxyView {
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  get kind(): ProxyView["kind"] {
    return this.#get("kind");
  }

  get namespace(): string {
    return this.#get("namespace");
  }

  get workload(): string {
    return this.#get("workload");
  }

  get serviceAccount(): string {
    return this.#get("serviceAccount");
  }

  get labels(): ProxyView["labels"] {
    return this.#get("labels");
  }

  get locality(): string {
    return this.#get("locality");
  }

  get node(): string {
    return this.#get("node");
  }

  hasLabels(selector: Labels): boolean {
    const field: Selects = `selects ${JSON.stringify(sorted(selector))}`;
    const value = valueOf(this.#fields, field);
    if (typeof value === "boolean") return value;
    throw new Missing(field);
  }

  #get<F extends Exclude<Field, Selects>>(field: F): NonNullable<ProxyView[F]> {
    const fields: Partial<ProxyView> = this.#fields;
    const value = fields[field];
    if (value !== undefined) return value;
    const missing: Missing = MISSING[field];
    throw missing;
  }
}

/** Parsed projections that are kept: more than there are namespaces, fewer than workloads. */
const KEPT = 1000;

/** Reads through projections, of which the same few come again and again. */
export class Projections {
  readonly #parsed = new Map<Projection, Fields>();

  /** Runs a translation on a view that holds only what the projection does. */
  read<T>(projection: Projection, translate: (view: ProxyView) => T): Reading<T> {
    try {
      return { value: translate(new PartialView(this.#fields(projection))) };
    } catch (error) {
      // Not a failure but an answer: whoever asked comes back with a larger projection.
      if (error instanceof Missing) return { needs: error.field };
      throw error;
    }
  }

  /** The projection with one field more, from one that holds it. */
  extended(projection: Projection, field: Field, from: Projection): Projection {
    return canonical({ ...this.#fields(projection), [field]: valueOf(this.#fields(from), field) });
  }

  /** The projection with a namespace, that which stands in for the one that `from` holds. */
  placed(
    projection: Projection,
    from: Projection,
    standIn: (namespace: string) => string,
  ): Projection {
    const namespace = standIn(this.#fields(from).namespace ?? "");
    return canonical({ ...this.#fields(projection), namespace });
  }

  holds(projection: Projection, field: Field): boolean {
    return valueOf(this.#fields(projection), field) !== undefined;
  }

  #fields(projection: Projection): Fields {
    const known = this.#parsed.get(projection);
    if (known !== undefined) return known;
    if (this.#parsed.size >= KEPT) this.#parsed.clear();
    const fields = JSON.parse(projection) as Fields;
    this.#parsed.set(projection, fields);
    return fields;
  }
}

/** The projection that holds all of a view; equal views have one. */
export function wholeView(view: ProxyView): Projection {
  return canonical({ locality: "", node: "", ...view, labels: sorted(view.labels) });
}

function canonical(fields: Fields): Projection {
  return JSON.stringify(sorted(fields));
}

function sorted<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}
