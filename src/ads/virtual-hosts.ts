import { routeOf } from "../xds/inline-routes.ts";
import type { ResourceSet } from "../xds/resource.ts";

const indexes = new WeakMap<ResourceSet, ReadonlyMap<string, readonly string[]>>();

/** The virtual hosts of a route configuration; the index is shared by all who hold the set. */
export function namesUnder(set: ResourceSet, route: string): readonly string[] {
  let index = indexes.get(set);
  if (index === undefined) {
    index = Map.groupBy(set.resources.keys(), routeOf);
    indexes.set(set, index);
  }
  return index.get(route) ?? [];
}
