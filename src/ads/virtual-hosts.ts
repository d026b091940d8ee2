import type { ResourceSet } from "../xds/resource.ts";

/** The route configuration that a virtual host belongs to; hosts hold no slash, routes may. */
export function routeOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

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
