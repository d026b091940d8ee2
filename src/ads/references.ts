import type { EncodedResource, ResourceSet, ResourceType, Scope } from "../xds/resource.ts";

const NAMING = ["Listener", "RouteConfiguration", "VirtualHost"] as const;

/** Counts who names a cluster in the newest resources of one scope, following the changes. */
class References {
  readonly #scope: Scope;
  readonly #counts = new Map<string, number>();
  readonly #seen = new Map<ResourceType, ResourceSet>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  names(cluster: string): boolean {
    for (const type of NAMING) this.#follow(type, this.#scope.of(type));
    return (this.#counts.get(cluster) ?? 0) > 0;
  }

  #follow(type: ResourceType, set: ResourceSet): void {
    const before = this.#seen.get(type);
    if (before === set) return;
    const changed = before && set.changedSince(before.generation);
    const names =
      changed ?? new Set([...set.resources.keys(), ...(before?.resources.keys() ?? [])]);
    for (const name of names) {
      this.#count(before?.resources.get(name), -1);
      this.#count(set.resources.get(name), 1);
    }
    this.#seen.set(type, set);
  }

  #count(resource: EncodedResource | undefined, by: number): void {
    for (const cluster of resource?.clusters ?? []) {
      const count = (this.#counts.get(cluster) ?? 0) + by;
      if (count === 0) this.#counts.delete(cluster);
      else this.#counts.set(cluster, count);
    }
  }
}

const references = new WeakMap<Scope, References>();

/** Whether one of the scope's newest listeners, route configurations or virtual hosts names it. */
export function isNamed(scope: Scope, cluster: string): boolean {
  let known = references.get(scope);
  if (known === undefined) {
    known = new References(scope);
    references.set(scope, known);
  }
  return known.names(cluster);
}
