import { MeshError } from "../util/errors.ts";

/** What the API server's `Status` object says, and what HTTP says about it. */
export interface Refusal {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Kubernetes' own word, e.g. `Conflict`, `AlreadyExists`, `Expired`. */
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** The API server did not do what was asked, or could not be asked. */
export class ApiError extends MeshError {
  readonly status: number;
  readonly reason: string;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  /** @param doing what was asked, in words: `apply Deployment mesh-system/meshwright-control-plane` */
  constructor(doing: string, refusal: Refusal, cause?: unknown) {
    const { code, hint } = advice(refusal.status);
    const who =
      refusal.status === 0 ? "the API server could not be reached" : "the API server refused";
    super(code, `${who} to ${doing}: ${refusal.message}`, { hint, cause });
    this.status = refusal.status;
    this.reason = refusal.reason;
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

export const isApiError = (error: unknown, ...statuses: readonly number[]): error is ApiError =>
  error instanceof ApiError && (statuses.length === 0 || statuses.includes(error.status));

/** Worth another try with nothing changed: the fault is the server's or the network's. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

function advice(status: number): { readonly code: string; readonly hint: string } {
  if (status === 0)
    return { code: "MESH0701", hint: "nothing to do if it comes back: the request is tried again" };
  if (status === 401)
    return {
      code: "MESH0702",
      hint: "the credentials are not accepted: check the kubeconfig, or the pod's service-account token",
    };
  if (status === 403)
    return {
      code: "MESH0703",
      hint: "grant the permission that the message names to the account that it names",
    };
  if (status === 404)
    return {
      code: "MESH0706",
      hint: "create what the message says is not there, a namespace for example, or name another",
    };
  if (status === 409)
    return {
      code: "MESH0704",
      hint: "someone else changed the object; it is read again and retried",
    };
  if (status === 429 || status >= 500)
    return {
      code: "MESH0705",
      hint: "the API server is busy or failing; the request is tried again",
    };
  return {
    code: "MESH0706",
    hint: "the object does not fit the cluster's API: see the field that it names",
  };
}
