/** Lists of hosts, as the proxies of a scope see them. */
import type { Context, Engine, Query } from "../store/engine.ts";
import { union } from "../store/sorted.ts";
import { fullRoutes } from "./full-routes.ts";
import type { Inputs } from "./inputs.ts";
import type { EgressListener } from "./ir/sidecar.ts";
import { isHttp } from "./port-protocol.ts";
import { hasStreams, httpPorts, openPorts } from "./ports.ts";
import type { Registry } from "./registry/queries.ts";
import {
  exported,
  type Importing,
  importedHosts,
  importedRouting,
  type Listing,
  overlap,
  type Scope,
  type ScopeQuery,
  type Traits,
  unresolvedNames,
} from "./scope.ts";
import { isVisible } from "./visibility.ts";

/** HTTP to hosts without a service is routed on this port alone, as Istio does. */
const UNKNOWN_HOST_PORT = 80;

/** Whether HTTP to hosts without a service is routed on the port. */
const takesUnknown = (scope: Scope, port: number): boolean =>
  port === UNKNOWN_HOST_PORT || takesProxied(scope, port);

/** Whether requests to the port name hosts of any port. */
const takesProxied = ({ egress }: Scope, port: number): boolean =>
  egress?.find((one) => one.port === port)?.isHttpProxy === true;

const sorted = (all: readonly string[]): readonly string[] => [...new Set(all)].sort();

export interface HostSources {
  readonly scope: ScopeQuery;
  readonly registry: Registry;
}

export function hostQueries(engine: Engine, from: Inputs, sources: HostSources) {
  const traits = traitsQuery(engine, sources.registry);
  const importing: Importing = { from, traits };
  const list = (cx: Context, scope: Scope, listing: Listing): readonly string[] =>
    scope.egress === undefined
      ? everything(cx, importing, scope, listing)
      : listed(cx, importing, scope, { listing, listeners: scope.egress.filter(isOpen) });
  const onPort = (cx: Context, scope: Scope, listener: EgressListener): readonly string[] =>
    listed(cx, importing, scope, {
      listing: hasOwnPort(listener)
        ? {
            indexes: both(from, "hostsOnPort"),
            suffix: ` ${listener.port}`,
            has: ({ ports }) => ports.includes(listener.port ?? 0),
          }
        : allHosts(from),
      listeners: [listener],
    });
  const unknownHosts = unknownHostsQuery(engine, from, sources);
  const hostOf: HostOf = engine.query(
    (cx, namespace: string, name: string) => sources.registry.service(cx, name, namespace)?.host,
  );
  const routed = routedQuery(engine, from, { scope: sources.scope, hostOf });
  return {
    hostOf,
    ...plainLists(engine, from, { list, onPort, routed, hostOf, scope: sources.scope }),
    ...openLists(engine, from, { list, onPort, traits, scope: sources.scope }),
    ...httpLists(engine, from, { list, onPort, unknownHosts, traits, scope: sources.scope }),
    unknownHosts,
  };
}

const isOpen = ({ port }: EgressListener): boolean => port === undefined;

/** Whether hosts must have the listener's port to be behind it. */
const hasOwnPort = ({ port = 0, isHttpProxy = false }: EgressListener): boolean =>
  port > 0 && !isHttpProxy;

const allHosts = (from: Inputs): Listing => ({
  indexes: both(from, "hosts"),
  has: () => true,
});

/** Of Services, and of ServiceEntries. */
const both = (from: Inputs, name: Exclude<keyof Inputs["serviceExports"], "byAddress">) => [
  from.serviceExports[name],
  from.entryExports[name],
];

function everything(
  cx: Context,
  importing: Importing,
  { namespace: to }: Scope,
  { indexes, suffix = "", has }: Listing,
): readonly string[] {
  const found = exported(cx, indexes, { to, suffix });
  const names = unresolvedNames(cx, importing, { to }, has);
  return union([found, names]);
}

function listed(
  cx: Context,
  importing: Importing,
  { namespace }: Scope,
  { listing, listeners }: { listing: Listing; listeners: readonly EgressListener[] },
): readonly string[] {
  const found = listeners.map((listener) =>
    importedHosts(cx, importing, { namespace, listener }, listing),
  );
  return sorted(found.flat());
}

function traitsQuery(engine: Engine, registry: Registry): TraitsQuery {
  return engine.query((cx, namespace: string, host: string): Traits | undefined => {
    const found = registry.service(cx, host, namespace);
    if (found?.host !== host) return undefined;
    return {
      namespace: found.namespace,
      ports: found.ports.map(({ port }) => port),
      http: httpPorts(found),
      open: openPorts(found),
      hasStreams: hasStreams(found),
    };
  });
}

type TraitsQuery = Query<[namespace: string, host: string], Traits | undefined>;

/** By port, hosts that sidecars route although no service that they see has them there. */
function unknownHostsQuery(engine: Engine, from: Inputs, { scope: scopes, registry }: HostSources) {
  const claimed = engine.query((cx, host: string): readonly Claimed[] =>
    registry.claims(cx, host).map(({ exportTo, kube, service: { ports } }) => ({
      exportTo,
      ports: kube === undefined ? ports.map(({ port }) => port) : undefined,
    })),
  );
  const routedHosts = (cx: Context, { namespace, egress }: Scope): readonly string[] =>
    egress === undefined
      ? exported(cx, [from.routedHostsExportedTo], { to: namespace })
      : egress.flatMap((listener) =>
          importedRouting(cx, from.routedHostsExportedTo, { namespace, listener }, overlap),
        );
  return engine.query((cx, id: string, port: number): readonly string[] => {
    const scope = cx.get(scopes, id);
    if (!takesUnknown(scope, port)) return [];
    const isProxy = takesProxied(scope, port);
    const isServed = (host: string): boolean =>
      cx
        .get(claimed, host)
        .filter((claim) => isVisible(claim, scope.namespace))
        .some(({ ports }) => isProxy || ports === undefined || ports.includes(port));
    return sorted(routedHosts(cx, scope).filter((host) => !isServed(host)));
  });
}

/** What is to be known of an object that has a host. */
interface Claimed {
  readonly exportTo: readonly string[];
  /** `undefined`: it has no others. A ServiceEntry may tell of some ports alone, of a host that is not ours. */
  readonly ports: readonly number[] | undefined;
}

/** The host that a name means to a namespace, if it knows it. */
type HostOf = Query<[namespace: string, name: string], string | undefined>;

/** Hosts that are not imported, but to which imported routing sends traffic. */
function routedQuery(
  engine: Engine,
  from: Inputs,
  { scope, hostOf }: { scope: ScopeQuery; hostOf: HostOf },
) {
  const hostsOf = engine.query(
    (cx, key: string): readonly string[] =>
      cx.get(from.virtualServices, key)?.value?.routes.hosts ?? [],
  );
  const destinationsOf = engine.query((cx, key: string): readonly string[] => {
    const object = cx.get(from.virtualServices, key)?.value;
    if (object === undefined) return [];
    const http = fullRoutes(cx, from, object).rules.flatMap(({ action, mirrors = [] }) => [
      ...(action.kind === "forward" ? action.destinations : []),
      ...mirrors,
    ]);
    const { tls, tcp } = object.streams;
    const streams = [...tls, ...tcp].flatMap(({ destinations }) => destinations);
    return sorted([...http, ...streams].map(({ host }) => host));
  });
  return engine.query((cx, id: string): readonly string[] => {
    const { namespace, egress = [] } = cx.get(scope, id);
    const keys = egress.flatMap((listener) =>
      importedRouting(cx, from.routingExportedTo, { namespace, listener }, (key, pattern) =>
        cx.get(hostsOf, key).some((host) => overlap(pattern, host)),
      ),
    );
    const names = new Set(keys.flatMap((key) => cx.get(destinationsOf, key)));
    return sorted([...names].flatMap((name) => cx.get(hostOf, namespace, name) ?? []));
  });
}

interface Lists {
  readonly list: (cx: Context, scope: Scope, listing: Listing) => readonly string[];
  readonly onPort: (cx: Context, scope: Scope, listener: EgressListener) => readonly string[];
  readonly scope: ScopeQuery;
}

function plainLists(
  engine: Engine,
  from: Inputs,
  {
    list,
    onPort,
    routed,
    hostOf,
    scope: scopes,
  }: Lists & { readonly routed: Query<[string], readonly string[]>; readonly hostOf: HostOf },
) {
  const own = (egress: readonly EgressListener[] = []) => egress.filter((one) => !isOpen(one));
  return {
    hosts: engine.query((cx, id: string) => {
      const scope = cx.get(scopes, id);
      const open = list(cx, scope, allHosts(from));
      if (scope.egress === undefined) return open;
      const others = own(scope.egress).flatMap((listener) => onPort(cx, scope, listener));
      const proxies = scope.proxies.map((name) => cx.get(hostOf, scope.namespace, name) ?? name);
      return sorted([...open, ...others, ...cx.get(routed, id), ...proxies]);
    }),
    hostsOnPort: engine.query((cx, id: string, port: number) => {
      const scope = cx.get(scopes, id);
      const listeners = own(scope.egress).filter((listener) => listener.port === port);
      return sorted(listeners.flatMap((listener) => onPort(cx, scope, listener)));
    }),
    streamHosts: engine.query((cx, id: string) =>
      list(cx, cx.get(scopes, id), {
        indexes: both(from, "streamHosts"),
        has: (known) => known.hasStreams,
      }),
    ),
  };
}

interface HttpSources extends Lists {
  readonly unknownHosts: Query<[scope: string, port: number], readonly string[]>;
  readonly traits: TraitsQuery;
}

function httpLists(engine: Engine, from: Inputs, sources: HttpSources) {
  const httpHosts = httpHostsQuery(engine, from, sources);
  return {
    httpPorts: httpPortsQuery(engine, from, sources),
    httpHosts,
    routesAnyHost: engine.query((cx, id: string, port: number): boolean =>
      cx.get(httpHosts, id, port).includes("*"),
    ),
    takesUnknown: engine.query((cx, id: string, port: number): boolean =>
      takesUnknown(cx.get(sources.scope, id), port),
    ),
  };
}

/** Of an index of ports the whole is a list of ports; single hosts are asked. */
function portLists(
  indexes: Listing["indexes"],
  { list, traits }: Pick<HttpSources, "list" | "traits">,
  of: (known: Traits) => readonly number[],
) {
  return (cx: Context, scope: Scope): readonly number[] => {
    const found = list(cx, scope, { indexes, has: (known) => of(known).length > 0 });
    return found.flatMap((one) => {
      if (/^\d+$/.test(one)) return [Number(one)];
      const known = cx.get(traits, scope.namespace, one);
      return known === undefined ? [] : of(known);
    });
  };
}

function openLists(
  engine: Engine,
  from: Inputs,
  { list, traits, scope: scopes }: Omit<HttpSources, "unknownHosts">,
) {
  const portsOf = portLists(both(from, "openPorts"), { list, traits }, ({ open }) => open);
  return {
    openPorts: engine.query((cx, id: string): readonly number[] =>
      [...new Set(portsOf(cx, cx.get(scopes, id)))].sort((a, b) => a - b),
    ),
    openHosts: engine.query((cx, id: string, port: number) =>
      list(cx, cx.get(scopes, id), {
        indexes: both(from, "openHosts"),
        suffix: ` ${port}`,
        has: ({ open }) => open.includes(port),
      }),
    ),
  };
}

function httpPortsQuery(
  engine: Engine,
  from: Inputs,
  { list, unknownHosts, traits, scope: scopes }: HttpSources,
) {
  const portsOf = portLists(both(from, "httpPorts"), { list, traits }, ({ http }) => http);
  return engine.query((cx, id: string): readonly number[] => {
    const scope = cx.get(scopes, id);
    const ports = new Set(portsOf(cx, scope));
    const isClosed = scope.egress?.some(isOpen) === false;
    if (!isClosed && cx.get(unknownHosts, id, UNKNOWN_HOST_PORT).length > 0)
      ports.add(UNKNOWN_HOST_PORT);
    for (const { port, protocol } of scope.egress ?? [])
      if (port !== undefined) {
        if (protocol !== undefined && isHttp(protocol)) ports.add(port);
        else ports.delete(port);
      }
    return [...ports].sort((a, b) => a - b);
  });
}

function httpHostsQuery(
  engine: Engine,
  from: Inputs,
  { list, onPort, unknownHosts, scope: scopes }: HttpSources,
) {
  return engine.query((cx, id: string, port: number): readonly string[] => {
    const scope = cx.get(scopes, id);
    const own = scope.egress?.find((listener) => listener.port === port);
    const known =
      own === undefined
        ? list(cx, scope, {
            indexes: both(from, "httpHosts"),
            suffix: ` ${port}`,
            has: ({ http }) => http.includes(port),
          })
        : onPort(cx, scope, own);
    return union([known, cx.get(unknownHosts, id, port)]);
  });
}
