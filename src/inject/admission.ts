/** The part of `admission.k8s.io/v1` that the injector speaks. */
import { isDeepStrictEqual } from "node:util";
import type { PodDraft } from "./pod/workload.ts";

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly namespace?: string;
  readonly operation: string;
  readonly dryRun?: boolean;
  readonly object: unknown;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly message: string };
  readonly warnings?: readonly string[];
  readonly patchType?: "JSONPatch";
  /** Base64 of a JSON Patch. */
  readonly patch?: string;
}

export interface PatchOperation {
  readonly op: "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** The request in a review; `undefined` if the body is not one. */
export function parseReview(body: string): AdmissionRequest | undefined {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    // Said to the caller by the result.
    return undefined;
  }
  const { request } = (review ?? {}) as { readonly request?: Partial<AdmissionRequest> };
  return typeof request?.uid === "string" && typeof request.object === "object"
    ? (request as AdmissionRequest)
    : undefined;
}

export const reviewOf = (response: AdmissionResponse): object => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  response,
});

/** Replaces what differs in a pod's metadata and spec, one field at a time. */
export const podPatch = (before: PodDraft, after: PodDraft): PatchOperation[] =>
  (["metadata", "spec"] as const).flatMap((part) =>
    fieldPatch(`/${part}`, new Map(Object.entries(before[part])), after[part]),
  );

function fieldPatch(
  path: string,
  before: ReadonlyMap<string, unknown>,
  after: object,
): PatchOperation[] {
  const changed = Object.entries(after)
    .filter(([key, value]) => !isDeepStrictEqual(before.get(key), value))
    .map(([key, value]): PatchOperation => ({ op: "add", path: `${path}/${key}`, value }));
  const removed = [...before.keys()]
    .filter((key) => !(key in after))
    .map((key): PatchOperation => ({ op: "remove", path: `${path}/${key}` }));
  return [...changed, ...removed];
}
