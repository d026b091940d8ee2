/**
 * How much of a proxy's view a translation read. It runs on a view that holds only some fields; if
 * it needs another, it says which, and runs again on a view that holds that one, too. So results
 * are keyed by what they depend on, and proxies that agree in it share them.
 */
import type { ProxyView } from "./view.ts";

/** Some fields of a view, as JSON with sorted names: what a translation may read, and its key. */
export type Projection = string;

export type Field = keyof ProxyView;

export const NOTHING: Projection = "{}";

export type Reading<T> = { readonly value: T } | { readonly needs: Field };

/** Thrown into a translation that reads a field its projection does not hold; `read` catches it. */
class Missing extends Error {
  readonly field: Field;

  constructor(field: Field) {
    super(`the projection does not hold ${field}`);
    this.field = field;
  }
}

/** Made once: where they are thrown tells nobody anything, and a stack trace costs more than a resource. */
const MISSING: Readonly<Record<Field, Missing>> = {
  kind: new Missing("kind"),
  namespace: new Missing("namespace"),
  workload: new Missing("workload"),
  serviceAccount: new Missing("serviceAccount"),
  labels: new Missing("labels"),
};

class PartialView implements ProxyView {
  readonly #fields: Partial<ProxyView>;

  constructor(projection: Projection) {
    this.#fields = JSON.parse(projection) as Partial<ProxyView>;
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

  #get<F extends Field>(field: F): ProxyView[F] {
    const value = this.#fields[field];
    if (value !== undefined) return value;
    const missing: Missing = MISSING[field];
    throw missing;
  }
}

/** Runs a translation on a view that holds only what the projection does. */
export function read<T>(projection: Projection, translate: (view: ProxyView) => T): Reading<T> {
  try {
    return { value: translate(new PartialView(projection)) };
  } catch (error) {
    // Not a failure but an answer: whoever asked comes back with a larger projection.
    if (error instanceof Missing) return { needs: error.field };
    throw error;
  }
}

/** The projection with one field more, from one that holds it. */
export function extended(projection: Projection, field: Field, from: Projection): Projection {
  const fields = JSON.parse(projection) as Partial<ProxyView>;
  const value = (JSON.parse(from) as Partial<ProxyView>)[field];
  return canonical({ ...fields, [field]: value });
}

export function holds(projection: Projection, field: Field): boolean {
  return field in (JSON.parse(projection) as Partial<ProxyView>);
}

/** The projection that holds all of a view; equal views have one. */
export function wholeView(view: ProxyView): Projection {
  return canonical({ ...view, labels: sorted(view.labels) });
}

function canonical(fields: Partial<ProxyView>): Projection {
  return JSON.stringify(sorted(fields));
}

function sorted<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}
