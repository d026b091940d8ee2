/**
 * Merging as Protobuf means it, on canonical JSON: what is set replaces, messages merge, lists grow,
 * and of a oneof only the newest member stays. Messages in an `Any` merge if they are of one type.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "./json.ts";
import { library } from "./library.ts";

/** What becomes of a list that both have. */
export type Lists = "append" | "replace";

const ANY = "google.protobuf.Any";
const FREE_FORM: ReadonlySet<string> = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
]);

/** @param type full name of the message that both are */
export function merged(
  type: string,
  base: JsonObject,
  patch: JsonObject,
  lists: Lists,
): JsonObject {
  return mergedMessage(library().message(type), base, patch, lists) as JsonObject;
}

function mergedMessage(schema: DescMessage, base: Json, patch: Json, lists: Lists): Json {
  if (FREE_FORM.has(schema.typeName)) return mergedFreely(base, patch, lists);
  if (!isObject(base) || !isObject(patch)) return patch;
  if (schema.typeName === ANY) return mergedAny(base, patch, lists);
  const result: JsonObject = { ...base };
  for (const field of schema.fields) {
    const value = patch[field.jsonName];
    if (value === undefined) continue;
    dropRivals(field, result);
    result[field.jsonName] = mergedField(field, base[field.jsonName], value, lists);
  }
  return result;
}

/** Of a oneof only one member can be set. */
function dropRivals(field: DescField, message: JsonObject): void {
  for (const other of field.oneof?.fields ?? [])
    if (other !== field) delete message[other.jsonName];
}

function mergedField(field: DescField, base: Json | undefined, patch: Json, lists: Lists): Json {
  if (base === undefined) return patch;
  switch (field.fieldKind) {
    case "list":
      return joined(base, patch, lists);
    case "map":
      return mergedMap(field, base, patch, lists);
    case "message":
      return mergedMessage(field.message, base, patch, lists);
    case "scalar":
    case "enum":
      return patch;
  }
}

const joined = (base: Json, patch: Json, lists: Lists): Json =>
  lists === "append" && Array.isArray(base) && Array.isArray(patch) ? [...base, ...patch] : patch;

function mergedMap(
  field: DescField & { fieldKind: "map" },
  base: Json,
  patch: Json,
  lists: Lists,
): Json {
  if (!isObject(base) || !isObject(patch)) return patch;
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    const before = base[key];
    result[key] =
      before !== undefined && field.mapKind === "message"
        ? mergedMessage(field.message, before, value, lists)
        : value;
  }
  return result;
}

function mergedAny(base: JsonObject, patch: JsonObject, lists: Lists): Json {
  const type = patch["@type"];
  if (typeof type !== "string" || base["@type"] !== type) return patch;
  const schema = library().message(type.slice(type.lastIndexOf("/") + 1));
  // Those of Google's own types that are no objects in JSON stand in a field of their own.
  if ("value" in patch && schema.typeName.startsWith("google.protobuf."))
    return {
      "@type": type,
      value: mergedMessage(schema, base["value"] ?? null, patch["value"] ?? null, lists),
    };
  return { ...(mergedMessage(schema, base, patch, lists) as JsonObject), "@type": type };
}

function mergedFreely(base: Json, patch: Json, lists: Lists): Json {
  if (Array.isArray(base) && Array.isArray(patch)) return joined(base, patch, lists);
  if (!isObject(base) || !isObject(patch)) return patch;
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    const before = base[key];
    result[key] = before === undefined ? value : mergedFreely(before, value, lists);
  }
  return result;
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
