/** The same world over both engines. */
import { Engine, type Node, type Watch } from "../../../src/store/engine.ts";
import { Table } from "../../../src/store/table.ts";
import { Collection, derive, index } from "./eager.ts";
import {
  assignment,
  type Endpoints,
  hostOf,
  type Routes,
  type Service,
  virtualHost,
  type World,
} from "./world.ts";

/** The queries of the lazy world, for one host at a time. */
function lazyQueries(engine: Engine) {
  const table = <T>(key: (value: T) => string): Table<T, T> =>
    new Table<T, T>(engine, { key, project: (value) => value });
  const services = table<Service>(({ host }) => host);
  const routes = table<Routes>(({ name }) => name);
  const endpoints = table<Endpoints>(({ host }) => host);
  const byHost = routes.index(({ host }, name) => [[host, name]]);
  const winner = engine.query((cx, host: string) => {
    const [name] = cx.get(byHost, host);
    return name === undefined ? undefined : cx.get(routes, name);
  });
  const vhosts = engine.query((cx, namespace: string, host: string) => {
    const service = cx.get(services, host);
    return service && virtualHost(namespace, service, cx.get(winner, host));
  });
  const assignments = engine.query((cx, host: string) => {
    const of = cx.get(endpoints, host);
    return of && assignment(of);
  });
  const hosts = services.index((_, host) => [["*", host]]);
  return { services, routes, endpoints, hosts, vhosts, assignments };
}

type NodesOf = (host: string) => readonly (readonly [id: string, node: Node<unknown>])[];

/** What the proxies of some namespaces need, watched. */
class Proxies {
  readonly live = new Map<string, Watch<unknown>>();
  readonly #engine: Engine;
  readonly #nodesOf: NodesOf;
  readonly #list: Watch<readonly string[]>;
  readonly #suspects = new Set<string>();
  #isListSuspect = true;
  #listed: ReadonlySet<string> = new Set();

  constructor(engine: Engine, hosts: Node<readonly string[]>, nodesOf: NodesOf) {
    this.#engine = engine;
    this.#nodesOf = nodesOf;
    this.#list = engine.watch(hosts, () => {
      this.#isListSuspect = true;
    });
  }

  settle(): void {
    if (this.#isListSuspect) this.#settleList();
    for (const id of this.#suspects) this.live.get(id)?.read();
    this.#suspects.clear();
  }

  #settleList(): void {
    this.#isListSuspect = false;
    const current = new Set(this.#list.read());
    for (const [id, node] of [...current.difference(this.#listed)].flatMap(this.#nodesOf)) {
      this.live.set(
        id,
        this.#engine.watch(node, () => this.#suspects.add(id)),
      );
      this.#suspects.add(id);
    }
    for (const [id] of [...this.#listed.difference(current)].flatMap(this.#nodesOf)) {
      this.live.get(id)?.dispose();
      this.live.delete(id);
    }
    this.#listed = current;
  }
}

/** Lazy tracked queries, as in src/store. Only namespaces with proxies are ever computed. */
export function lazyWorld(namespaces: readonly string[]): World {
  const engine = new Engine();
  const { services, routes, endpoints, hosts, vhosts, assignments } = lazyQueries(engine);
  const proxies = new Proxies(engine, hosts.node("*"), (host) => [
    [host, assignments.node(host)],
    ...namespaces.map((ns) => [`${ns} ${host}`, vhosts.node(ns, host)] as const),
  ]);
  return {
    setService: (i, value) => (value ? services.upsert(value) : services.remove(hostOf(i))),
    setRoutes: (_, value) => routes.upsert(value),
    setEndpoints: (_, value) => endpoints.upsert(value),
    batch(write) {
      engine.batch(write);
      proxies.settle();
    },
    dump: () => new Map([...proxies.live].map(([id, watch]) => [id, watch.read()])),
  };
}

/** Eager derived collections: every namespace is computed, for nobody says who needs it. */
export function eagerWorld(namespaces: readonly string[]): World {
  const all: Collection<unknown>[] = [];
  const services = new Collection<Service>(all);
  const routes = new Collection<Routes>(all);
  const endpoints = new Collection<Endpoints>(all);
  const byHost = index(all, routes, ({ host }) => [host]);
  const winner = derive(all, services, (host, _, fetch) => {
    const [name] = fetch(byHost, host) ?? [];
    return name === undefined ? undefined : fetch(routes, name);
  });
  const vhosts = namespaces.map((ns) =>
    derive(all, services, (host, service, fetch) => virtualHost(ns, service, fetch(winner, host))),
  );
  const assignments = derive(all, endpoints, (_, of) => assignment(of));
  return {
    setService: (i, value) => services.write(hostOf(i), value),
    setRoutes: (_, value) => routes.write(value.name, value),
    setEndpoints: (_, value) => endpoints.write(value.host, value),
    batch(write) {
      write();
      services.commit();
    },
    dump: () =>
      new Map<string, unknown>([
        ...assignments.values,
        ...vhosts.flatMap((collection, i) =>
          [...collection.values].map(
            ([host, value]) => [`${namespaces[i]} ${host}`, value] as const,
          ),
        ),
      ]),
  };
}
