/** Clusters that traffic reaches through a patched resource, for delivery to wait for. */
import type { JsonObject } from "../../proto/reflect/json.ts";
import type { ResourceType } from "../resource.ts";

export function clustersNamed(type: ResourceType, body: JsonObject): readonly string[] {
  if (type !== "Listener" && type !== "VirtualHost") return [];
  return [...new Set(clustersIn(body))].sort();
}

/** Values of fields called `cluster`, and names of weighted ones, however deep. */
function* clustersIn(value: unknown): Iterable<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (field === "cluster" && typeof inner === "string") yield inner;
    if (field === "weightedClusters") yield* weightedIn(inner);
    yield* clustersIn(inner);
  }
}

function* weightedIn(value: unknown): Iterable<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (field === "name" && typeof inner === "string") yield inner;
    yield* weightedIn(inner);
  }
}
