import { createHash } from "node:crypto";
import "../../../src/proto/types.ts";
import { Listener } from "../../../src/proto/gen/envoy/config/listener/v3/listener.ts";

const known = new Map<string, readonly string[]>();

/**
 * The route configurations a listener refers to. Remembered by content: every proxy of a namespace
 * gets the same listeners, and decoding them for each would be the load generator's cost.
 */
export function routeNames(body: Uint8Array): readonly string[] {
  const key = createHash("sha1").update(body).digest("base64");
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const names = new Set<string>();
  collect(Listener.decode(body), names);
  const result = [...names];
  known.set(key, result);
  return result;
}

function collect(value: unknown, names: Set<string>): void {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return;
  for (const [field, inner] of Object.entries(value))
    if (field === "routeConfigName" && typeof inner === "string") names.add(inner);
    else collect(inner, names);
}
