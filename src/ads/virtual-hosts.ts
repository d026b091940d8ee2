import { routeOf } from "../xds/inline-routes.ts";
import type { ResourceSet } from "../xds/resource.ts";
import { type Request, Subscription } from "./subscription.ts";

const indexes = new WeakMap<ResourceSet, ReadonlyMap<string, readonly string[]>>();

/** The virtual hosts of a route configuration; the index is shared by all who hold the set. */
function namesUnder(set: ResourceSet, route: string): readonly string[] {
  return indexOf(set).get(route) ?? [];
}

/** The route configurations that have hosts. */
function routesIn(set: ResourceSet): Iterable<string> {
  return indexOf(set).keys();
}

function indexOf(set: ResourceSet): ReadonlyMap<string, readonly string[]> {
  let index = indexes.get(set);
  if (index === undefined) {
    index = Map.groupBy(set.resources.keys(), routeOf);
    indexes.set(set, index);
  }
  return index;
}

interface Followed {
  /** Whether the client asks for routes for the first time on this stream. */
  readonly isFirst: boolean;
  readonly hosts: Subscription | undefined;
  readonly set: ResourceSet;
}

/**
 * The hosts that a client is owed as its routes come and go. Envoy asks for virtual hosts once per
 * stream; those of later routes go out unasked.
 */
export class RouteHosts {
  readonly #routes: () => Subscription | undefined;
  /** Subscribed routes whose hosts the client lacks. */
  readonly #fresh = new Set<string>();
  /** Hosts of routes that the client has dropped, to be removed. */
  readonly #dismissed = new Set<string>();

  constructor(routes: () => Subscription | undefined) {
    this.#routes = routes;
  }

  /** Envoy names its route configurations here, or nothing: it gets their hosts unasked. */
  first(request: Request, shares: boolean): Subscription {
    const subscribe = request.subscribe.filter((name) => name.includes("/"));
    const implied = {
      wants: (name: string) => this.#wants(routeOf(name)),
      covers: (set: ResourceSet) =>
        Iterator.from(routesIn(set)).every((route) => this.#wants(route)),
    };
    const hosts = new Subscription({ ...request, subscribe }, { shares, implied });
    for (const name of Object.keys(request.initialVersions))
      if (this.#fresh.has(routeOf(name))) hosts.ask(name);
    this.#fresh.clear();
    return hosts;
  }

  follow({ subscribe, unsubscribe, initialVersions }: Request, at: Followed): void {
    const { isFirst, hosts, set } = at;
    const isFresh = (route: string): boolean => !isFirst || initialVersions[route] === undefined;
    for (const route of subscribe.filter(isFresh)) {
      if (hosts === undefined) this.#fresh.add(route);
      else for (const name of namesUnder(set, route)) hosts.ask(name);
    }
    for (const route of unsubscribe) {
      this.#fresh.delete(route);
      if (hosts !== undefined && !this.#wants(route)) this.#dismiss(route, hosts, set);
    }
  }

  /** What the client has, or says that it has, and does not want. */
  dismissed(hosts: Subscription): readonly string[] {
    for (const name of hosts.takeUnwanted()) this.#dismissed.add(name);
    for (const name of this.#dismissed) if (hosts.wants(name)) this.#dismissed.delete(name);
    return [...this.#dismissed];
  }

  removed(names: readonly string[]): void {
    for (const name of names) this.#dismissed.delete(name);
  }

  #wants(route: string): boolean {
    return this.#routes()?.wants(route) ?? false;
  }

  /**
   * Envoy goes on reporting the hosts of a route it has dropped as if it had them. Told that they
   * are removed, it forgets them, and what it reports when it reconnects stays true.
   */
  #dismiss(route: string, hosts: Subscription, set: ResourceSet): void {
    const differing = [...hosts.deviations.keys()].filter((name) => routeOf(name) === route);
    for (const name of [...differing, ...namesUnder(set, route)]) this.#dismissed.add(name);
    hosts.drop(differing);
  }
}
