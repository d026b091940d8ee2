/**
 * Any message of Envoy's API as the JSON of its documentation: checked, brought into one form, and
 * turned into bytes. For what has no generated codec; slower than one by far.
 */
import { library } from "./library.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [field: string]: Json;
}

/**
 * The canonical form of what a user wrote: names in camelCase, enums by name, nothing that says only
 * what is so anyway.
 *
 * @param type full name of the message
 * @throws Error whose message says which message and field Envoy does not know, or what is wrong
 */
export function canonical(type: string, value: Json): JsonObject {
  const { protobuf, registry, message } = library();
  const schema = message(type);
  const parsed = protobuf.fromJson(schema, value, { registry });
  return protobuf.toJson(schema, parsed, { registry }) as JsonObject;
}

/** @throws Error if the bytes are no such message, or hold one that Envoy does not know */
export function jsonOf(type: string, bytes: Uint8Array): JsonObject {
  const { protobuf, registry, message } = library();
  const schema = message(type);
  return protobuf.toJson(schema, protobuf.fromBinary(schema, bytes), { registry }) as JsonObject;
}

/** @throws as `canonical` does */
export function bytesOf(type: string, value: object): Uint8Array {
  const { protobuf, registry, message } = library();
  const schema = message(type);
  return protobuf.toBinary(schema, protobuf.fromJson(schema, value as JsonObject, { registry }));
}
