/** The same world over both engines. */
import { Engine, type Watch } from "../../../src/store/engine.ts";
import { Table } from "../../../src/store/table.ts";
import { Collection, derive, index } from "./eager.ts";
import {
  assignment,
  type Endpoints,
  type Routes,
  type Service,
  virtualHost,
  type World,
} from "./world.ts";

/** Lazy tracked queries, as in src/store. Only namespaces with proxies are ever computed. */
export function lazyWorld(namespaces: readonly string[]): World {
  const engine = new Engine();
  const table = <T>(key: (value: T) => string): Table<T, T> =>
    new Table<T, T>(engine, { key, project: (value) => value });
  const services = table<Service>(({ host }) => host);
  const routes = table<Routes>(({ name }) => name);
  const endpoints = table<Endpoints>(({ host }) => host);
  const hosts = services.index((_, host) => [["*", host]]);
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

  const live = new Map<string, Watch<unknown>>();
  const suspects = new Set<string>();
  let isListStale = true;
  let listed: ReadonlySet<string> = new Set();
  const list = engine.watch(hosts.node("*"), () => {
    isListStale = true;
  });
  const watchesOf = (host: string) => [
    { id: host, node: assignments.node(host) },
    ...namespaces.map((ns) => ({ id: `${ns} ${host}`, node: vhosts.node(ns, host) })),
  ];
  const settleList = (): void => {
    isListStale = false;
    const current = new Set(list.read());
    for (const { id, node } of [...current.difference(listed)].flatMap(watchesOf)) {
      const watch = engine.watch<unknown>(node, () => suspects.add(id));
      live.set(id, watch);
      suspects.add(id);
    }
    for (const { id } of [...listed.difference(current)].flatMap(watchesOf)) {
      live.get(id)?.dispose();
      live.delete(id);
      suspects.delete(id);
    }
    listed = current;
  };
  const settle = (): void => {
    if (isListStale) settleList();
    for (const id of suspects) {
      suspects.delete(id);
      live.get(id)?.read();
    }
  };
  return {
    setService: (i, value) =>
      value
        ? services.upsert(value)
        : services.remove(`service-${i}.ns-${i % 4}.svc.cluster.local`),
    setRoutes: (_, value) => routes.upsert(value),
    setEndpoints: (_, value) => endpoints.upsert(value),
    batch(write) {
      engine.batch(write);
      settle();
    },
    dump: () => new Map([...live].map(([id, watch]) => [id, watch.read()])),
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
    setService: (i, value) => services.write(`service-${i}.ns-${i % 4}.svc.cluster.local`, value),
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
