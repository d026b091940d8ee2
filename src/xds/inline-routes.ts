/**
 * A scope for clients that know no virtual hosts of their own: each route configuration has its
 * hosts written into it. A change of one host costs joining the bytes of those beside it.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { decodeResource } from "../proto/delta.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { History } from "../store/history.ts";
import { envelope } from "./encode.ts";
import type { EncodedResource, ResourceSet, Scope } from "./resource.ts";

/** `RouteConfiguration.virtual_hosts`, as (number << 3) | LEN. */
const VIRTUAL_HOSTS = 18;
const NOTHING: ResourceSet = {
  generation: 0,
  resources: new Map(),
  changedSince: () => new Set(),
};

/** The route configuration that a virtual host belongs to; hosts hold no slash, routes may. */
export function routeOf(host: string): string {
  return host.slice(0, Math.max(0, host.lastIndexOf("/")));
}

/** One set of two, followed from change to change. */
class InlineRoutes {
  readonly #scope: Scope;
  readonly #history = new History<EncodedResource>();
  readonly #hosts = new Map<string, Map<string, EncodedResource>>();
  #routes = NOTHING;
  #virtualHosts = NOTHING;
  #set = NOTHING;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  current(): ResourceSet {
    const routes = this.#scope.of("RouteConfiguration");
    const virtualHosts = this.#scope.of("VirtualHost");
    if (routes === this.#routes && virtualHosts === this.#virtualHosts) return this.#set;
    const changed = new Set([
      ...changes(this.#routes, routes),
      ...this.#follow(changes(this.#virtualHosts, virtualHosts), virtualHosts),
    ]);
    this.#routes = routes;
    this.#virtualHosts = virtualHosts;
    this.#commit(changed);
    return this.#set;
  }

  /** @returns the routes whose hosts changed */
  #follow(names: Iterable<string>, { resources }: ResourceSet): readonly string[] {
    return [...names].map((name) => {
      const route = routeOf(name);
      const hosts = this.#hosts.get(route) ?? new Map<string, EncodedResource>();
      this.#hosts.set(route, hosts);
      const host = resources.get(name);
      if (host === undefined) hosts.delete(name);
      else hosts.set(name, host);
      return route;
    });
  }

  #commit(changed: ReadonlySet<string>): void {
    const updates = new Map<string, EncodedResource | undefined>();
    for (const name of changed) {
      const before = this.#history.current.get(name);
      const after = this.#inlined(name);
      if (before?.version !== after?.version) updates.set(name, after);
    }
    if (updates.size === 0) return;
    const history = this.#history;
    history.commit(history.generation + 1, updates);
    const { current: resources, generation } = history;
    this.#set = { generation, resources, changedSince: (since) => history.changedSince(since) };
  }

  #inlined(name: string): EncodedResource | undefined {
    const route = this.#routes.resources.get(name);
    const hosts = [...(this.#hosts.get(name)?.values() ?? [])];
    return route && withHosts(route, hosts.sort(byName));
  }
}

const byName = (a: EncodedResource, b: EncodedResource): number => (a.name < b.name ? -1 : 1);

function withHosts(route: EncodedResource, hosts: readonly EncodedResource[]): EncodedResource {
  const { vhds, ...body } = RouteConfiguration.decode(decodeResource(route.bytes).body);
  if (vhds === undefined) return route;
  const writer = RouteConfiguration.encode(body, new BinaryWriter());
  for (const { bytes } of hosts) writer.uint32(VIRTUAL_HOSTS).bytes(decodeResource(bytes).body);
  const clusters = new Set([route, ...hosts].flatMap((one) => one.clusters));
  return envelope("RouteConfiguration", writer.finish(), {
    name: route.name,
    clusters: [...clusters].sort(),
  });
}

function changes(before: ResourceSet, after: ResourceSet): Iterable<string> {
  if (before === after) return [];
  // The first set has no history in common with what stands for "nothing yet".
  const known = before === NOTHING ? undefined : after.changedSince(before.generation);
  return known ?? new Set([...before.resources.keys(), ...after.resources.keys()]);
}

const scopes = new WeakMap<Scope, Scope>();

/** The same scope for all who ask for that of one. */
export function inlined(scope: Scope): Scope {
  const known = scopes.get(scope);
  if (known !== undefined) return known;
  const routes = new InlineRoutes(scope);
  const made: Scope = {
    of: (type) => {
      if (type === "VirtualHost") return NOTHING;
      return type === "RouteConfiguration" ? routes.current() : scope.of(type);
    },
  };
  scopes.set(scope, made);
  return made;
}
