/**
 * A failure a person must act on. The message says what happened to what; the hint says what to
 * do about it, as a command where there is one. The code is stable: docs and alerts key on it.
 */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, { hint, cause }: { hint: string; cause?: unknown }) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}
