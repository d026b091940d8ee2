/** What is wrong with an object a user wrote: shown by `meshwright analyze`, the webhook and the status. */
export interface Diagnostic {
  readonly code: `MESH${number}`;
  readonly level: "error" | "warning";
  readonly object: string;
  /** Where in the object, e.g. `spec.subsets[0].labels`. */
  readonly path: string;
  readonly message: string;
  /** Nobody is told of it: it says that as long as it lasts others cannot be found. */
  readonly untold?: true;
}

/** A lowering keeps what it can and says what it could not. It never throws on what users write. */
export interface Lowered<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}
