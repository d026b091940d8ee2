/** A gateway's ports: one listener each, in which servers are told apart by the TLS greeting. */
import type { GatewayServer } from "../../model/ir/listener.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { StreamRule } from "../../model/ir/route.ts";
import { narrower, sharedHosts } from "../../model/ir/server-hosts.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type {
  Filter,
  FilterChain,
  FilterChainMatch,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { typed } from "../../proto/types.ts";
import { anyAddress, endpointAddress, isIpv6 } from "../address.ts";
import { type BoundServer, routeOf, serversByListener, speaksHttp } from "../gateway.ts";
import { BLACK_HOLE_CLUSTER, GREETING, localClusterName, parseListener } from "../names.ts";
import type { Audience } from "../route/audience.ts";
import { isAvailable } from "../secret.ts";
import { HTTP_ALPNS, STREAM_ALPNS } from "../tls.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { byRds, httpFilter, limited, streamFilter } from "./chain.ts";
import { greetingInspector, PROXY_HEADER } from "./inspect.ts";
import { serverSecrets, serverTls, type Terminate } from "./server-tls.ts";
import { isDefault, namesServers, type Ruled, type StreamChain, streamChains } from "./stream.ts";

export const gatewayListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) => [...serversByListener(mesh, view).keys()].sort(),
  resource: (mesh, view, key) => gatewayListener(mesh, view, key),
};

function gatewayListener(mesh: Mesh, view: ProxyView, name: string): Translated | undefined {
  const servers = serversByListener(mesh, view).get(name) ?? [];
  const chains = distinct(servers.flatMap((bound) => serverChains(mesh, view, { bound, name })));
  if (chains.length === 0) return undefined;
  const { addresses = [] } = mesh.workload(view.workload) ?? {};
  const { port } = parseListener(name);
  const bind = servers[0]?.server.bind;
  const bufferBytes = mesh.settings.traffic?.edge?.listenerBufferBytes;
  const body: Listener = {
    name,
    ...(bind === undefined
      ? anyAddress(port, addresses.some(isIpv6))
      : { address: endpointAddress(bind, port) }),
    trafficDirection: "OUTBOUND",
    filterChains: chains.map(({ chain }) => limited(mesh.settings, name, chain)),
    ...listenerFilters(mesh, chains.some(namesServers)),
    ...(bufferBytes !== undefined && { perConnectionBufferLimitBytes: bufferBytes }),
  };
  return { name, body, clusters: [...new Set(chains.flatMap(({ clusters }) => clusters))].sort() };
}

function listenerFilters({ settings }: Mesh, isInspected: boolean): Listener {
  const inspection = isInspected ? greetingInspector(settings) : {};
  if (settings.traffic?.gateways?.proxyProtocol !== true) return inspection;
  return { ...inspection, listenerFilters: [PROXY_HEADER, ...(inspection.listenerFilters ?? [])] };
}

/** Envoy refuses two chains for one kind of connection; the first Gateway's counts. */
function distinct(chains: readonly StreamChain[]): readonly StreamChain[] {
  const taken = new Set<string>();
  return chains.flatMap(({ chain, clusters }) => {
    const { serverNames, ...match } = chain.filterChainMatch ?? {};
    const free = (serverNames ?? [""]).filter((server) => {
      const key = JSON.stringify([match, server]);
      const isFree = !taken.has(key);
      taken.add(key);
      return isFree;
    });
    if (free.length === 0) return [];
    if (serverNames === undefined) return [{ chain, clusters }];
    return [{ chain: { ...chain, filterChainMatch: { ...match, serverNames: free } }, clusters }];
  });
}

interface Opened {
  readonly bound: BoundServer;
  /** Of the listener. */
  readonly name: string;
}

function serverChains(mesh: Mesh, view: ProxyView, opened: Opened): readonly StreamChain[] {
  const { server } = opened.bound;
  if (server.tls?.mode === "passthrough") return passedThrough(mesh, view, opened);
  if (server.tls?.mode === "to-service") return [toServices(mesh, opened)];
  const socket = server.tls === undefined ? {} : terminated(mesh, view, server.tls, opened);
  if (socket === undefined) return [];
  const inner = speaksHttp(opened.bound)
    ? [{ chain: { filters: [requests(mesh, opened)] }, clusters: [] }]
    : streams(mesh, view, opened);
  return inner.map(({ chain, clusters }) => ({
    chain: { ...chain, ...socket, ...matching(chain, socket) },
    clusters,
  }));
}

function matching(chain: FilterChain, socket: FilterChain): FilterChain {
  const match = { ...chain.filterChainMatch, ...socket.filterChainMatch };
  return Object.keys(match).length === 0 ? {} : { filterChainMatch: match };
}

const CONNECT_TIMEOUT = "15s";

/** `undefined`: what it needs is not there, so it stays closed until it is. */
function terminated(
  mesh: Mesh,
  view: ProxyView,
  tls: Terminate,
  { bound }: Opened,
): FilterChain | undefined {
  if (!serverSecrets(tls).every((name) => isAvailable(mesh, view, name))) return undefined;
  const names = bound.server.hosts.map(({ host }) => host);
  return {
    filterChainMatch: greeting(names),
    transportSocket: serverTls(mesh, tls, speaksHttp(bound) ? ["h2", "http/1.1"] : []),
    transportSocketConnectTimeout: CONNECT_TIMEOUT,
  };
}

const greeting = (hosts: readonly string[]): FilterChainMatch => ({
  transportProtocol: "tls",
  ...(!hosts.includes("*") && { serverNames: [...new Set(hosts)] }),
});

const requests = (mesh: Mesh, { bound, name }: Opened) =>
  httpFilter(mesh.settings, {
    direction: "gateway",
    statPrefix: bound.server.label ?? `outbound_${name}`,
    routing: byRds(routeOf(bound)),
    resolvesNames: mesh.resolvesNames(),
  });

const audienceOf = (mesh: Mesh, view: ProxyView, { bound }: Opened): Audience => ({
  mesh,
  view,
  namespace: view.namespace,
  port: bound.server.port,
  gateways: [bound.gateway.key],
});

function streams(mesh: Mesh, view: ProxyView, opened: Opened): readonly StreamChain[] {
  const { gateway, server } = opened.bound;
  const ruled = mesh
    .gatewayStreamRoutes(gateway.key, view.namespace)
    .filter((source) => sharedHosts(server, source).length > 0)
    .map(({ tcp, gateways }): Ruled => ({ rules: tcp, gateways }));
  const chains = streamChains(ruled, audienceOf(mesh, view, opened));
  return chains.some(isDefault) ? chains : [...chains, ...toDefault(mesh, server, {})];
}

/** What no rule takes. */
function toDefault(
  { settings }: Mesh,
  { defaultEndpoint }: GatewayServer,
  match: FilterChain,
): readonly StreamChain[] {
  if (defaultEndpoint === undefined) return [];
  const cluster = localClusterName(defaultEndpoint);
  return [{ chain: { ...match, filters: [streamFilter(settings, cluster)] }, clusters: [cluster] }];
}

/**
 * Connections of the mesh from elsewhere. Their greeting names the cluster, so one chain does for
 * all services, and a service that comes or goes is a cluster more or less.
 */
function toServices({ settings }: Mesh, { bound, name }: Opened): StreamChain {
  const hosts = bound.server.hosts.map(({ host }) => host);
  const filters = [
    SERVICES_ONLY,
    {
      name: "envoy.filters.network.sni_cluster",
      typedConfig: typed("envoy.extensions.filters.network.sni_cluster.v3.SniCluster"),
    },
    streamFilter(settings, BLACK_HOLE_CLUSTER, bound.server.label ?? `outbound_${name}`),
  ];
  return {
    chain: {
      filterChainMatch: {
        ...greeting(hosts.map(asGreeted)),
        applicationProtocols: [...STREAM_ALPNS, ...HTTP_ALPNS],
      },
      filters,
    },
    clusters: [BLACK_HOLE_CLUSTER],
  };
}

/** Whatever a greeting names is taken for a cluster: it must not be one of the proxy's own. */
const SERVICES_ONLY: Filter = {
  name: "envoy.filters.network.rbac",
  typedConfig: typed("envoy.extensions.filters.network.rbac.v3.RBAC", {
    statPrefix: "greeting",
    rules: {
      action: "ALLOW",
      policies: {
        services: {
          permissions: [{ requestedServerName: { prefix: GREETING } }],
          principals: [{ any: true }],
        },
      },
    },
  }),
};

/** The host's name comes after port and subset. */
const asGreeted = (host: string): string => (host.startsWith("*") ? host : `*.${host}`);

/** Names that both the server and a rule have. */
function passedThrough(mesh: Mesh, view: ProxyView, opened: Opened): readonly StreamChain[] {
  const { gateway, server } = opened.bound;
  const ruled = mesh.gatewayStreamRoutes(gateway.key, view.namespace).map((source): Ruled => {
    const hosts = sharedHosts(server, source);
    return { rules: source.tls.map((rule) => narrowed(rule, hosts)), gateways: source.gateways };
  });
  const chains = streamChains(ruled, audienceOf(mesh, view, opened));
  const hosts = server.hosts.map(({ host }) => host);
  return [...chains, ...toDefault(mesh, server, { filterChainMatch: greeting(hosts) })];
}

const narrowed = (rule: StreamRule, hosts: readonly string[]): StreamRule => ({
  ...rule,
  matches: rule.matches.flatMap((match) => {
    const sniHosts = hosts.flatMap((host) =>
      (match.sniHosts ?? ["*"]).flatMap((sni) => narrower(host, sni) ?? []),
    );
    return sniHosts.length === 0 ? [] : [{ ...match, sniHosts: [...new Set(sniHosts)] }];
  }),
});
