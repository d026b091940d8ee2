/** Something about this machine that a person must change, and how. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.hint = hint;
  }
}
