/** Values of annotations. */
import { MeshError } from "../../util/errors.ts";

/** A value that a pod's annotation has. */
export interface Annotated {
  /** Names the pod in messages. */
  readonly object: string;
  readonly annotation: string;
  readonly value: string;
}

const DEFAULT = "correct the annotation in the pod's template, or remove it to have the default";

/** @param want completes "which is not …" */
export const refused = (
  { object, annotation, value }: Annotated,
  want: string,
  hint = DEFAULT,
): MeshError =>
  new MeshError(
    "MESH0601",
    `${object}: annotation ${annotation} is "${value}", which is not ${want}`,
    { hint },
  );

/** As Go reads it, and so Istio; `undefined` if it is neither. */
export function parseBool(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  return ["0", "f", "F", "FALSE", "false", "False"].includes(text) ? false : undefined;
}

export type Named = Readonly<Record<string, unknown>> & { readonly name: string };

/** Objects in JSON that have names: an array of them, or each by its name; `undefined` if it is neither. */
export function namedObjects(json: string): readonly Named[] | undefined {
  const value = parsed(json);
  const all = isObject(value)
    ? Object.entries(value).map(([name, one]) => isObject(one) && { ...one, name })
    : value;
  return Array.isArray(all) && all.every(isNamed) ? all : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // No JSON, hence none of the two.
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isNamed = (value: unknown): value is Named =>
  isObject(value) && typeof value["name"] === "string";
