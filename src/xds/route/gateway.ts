/** A gateway's virtual hosts: those of its servers that any routing is for, and one that says 404. */

import type { Mesh } from "../../model/ir/mesh.ts";
import type { HttpRoutes } from "../../model/ir/route.ts";
import { isFor, narrower } from "../../model/ir/server-hosts.ts";
import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { type BoundServer, httpTables } from "../gateway.ts";
import { CATCH_ALL, localClusterName, parseVirtualHost, virtualHostName } from "../names.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { timeouts } from "./action.ts";
import { routeConfiguration } from "./configuration.ts";
import { httpRoutes } from "./http.ts";
import { isCatchAll } from "./match.ts";
import { virtualHost } from "./virtual-host.ts";

export const gatewayRoutes: Translator = {
  type: "RouteConfiguration",
  keys: (mesh, view) =>
    httpTables(mesh, view)
      .map(({ route }) => route)
      .sort(),
  resource: (_mesh, _view, key) => ({ name: key, body: routeConfiguration(key), clusters: [] }),
};

export const gatewayVirtualHosts: Translator = {
  type: "VirtualHost",
  keys: (mesh, view) =>
    httpTables(mesh, view)
      .flatMap(({ route, port, servers }) => {
        const hosts = new Set([
          CATCH_ALL,
          ...servers.flatMap((bound) => hostsOf(mesh, view, bound)),
        ]);
        return [...hosts].map((host) => virtualHostName(route, host, port));
      })
      .sort(),
  resource(mesh, view, key) {
    const { route, host } = parseVirtualHost(key);
    const table = httpTables(mesh, view).find((one) => one.route === route);
    return table && gatewayHost(mesh, view, { key, host, servers: table.servers });
  },
};

/** Hosts that its routing and the server both have; to send to https it needs no routing. */
function hostsOf(mesh: Mesh, view: ProxyView, { gateway, server }: BoundServer): readonly string[] {
  const routing = mesh.gatewayHosts(gateway.key, view.namespace);
  return server.hosts.flatMap(({ host }) => [
    ...routing.flatMap((routed) => narrower(host, routed) ?? []),
    ...(server.httpsRedirect || server.defaultEndpoint !== undefined ? [host] : []),
  ]);
}

interface Sought {
  readonly key: string;
  readonly host: string;
  readonly servers: readonly BoundServer[];
}

function gatewayHost(
  mesh: Mesh,
  view: ProxyView,
  { key, host, servers }: Sought,
): Translated | undefined {
  const serving = servers.filter(({ server }) =>
    server.hosts.some((h) => narrower(h.host, host) === host),
  );
  const routes = merged([
    ...servers.flatMap((bound) => serverRoutes(mesh, view, host, bound)),
    ...serving.flatMap(({ server }) => server.defaultEndpoint ?? []).map(localRoute),
  ]);
  const redirects = servers.some((bound) => isRedirected(mesh, view, host, bound));
  if (routes.length === 0 && !redirects && host !== CATCH_ALL) return undefined;
  const translated = virtualHost(mesh.settings, key, [host], routes);
  return redirects
    ? { ...translated, body: { ...translated.body, requireTls: "ALL" } }
    : translated;
}

/**
 * A redirect is for the hosts that its server names, and those that routing bound to it has: what
 * else a wildcard covers may be another Gateway's.
 */
function isRedirected(mesh: Mesh, view: ProxyView, host: string, bound: BoundServer): boolean {
  const { hosts, httpsRedirect } = bound.server;
  if (httpsRedirect !== true) return false;
  return (
    hosts.some((served) => served.host === host) || sourcesFor(mesh, view, host, bound).length > 0
  );
}

/** What no routing takes. */
const localRoute = (endpoint: string): Route => ({
  name: "default-endpoint",
  match: { prefix: "/" },
  route: { cluster: localClusterName(endpoint), ...timeouts() },
});

function serverRoutes(
  mesh: Mesh,
  view: ProxyView,
  host: string,
  bound: BoundServer,
): readonly Route[] {
  const { gateway, server } = bound;
  return sourcesFor(mesh, view, host, bound).flatMap((source) =>
    httpRoutes([source], {
      mesh,
      view,
      namespace: view.namespace,
      port: server.port,
      secure: server.tls !== undefined,
      gateways: [gateway.key],
    }),
  );
}

/** Routing that meets the server's hosts in exactly `host`, oldest first. */
function sourcesFor(
  mesh: Mesh,
  { namespace }: ProxyView,
  host: string,
  { gateway, server }: BoundServer,
): readonly HttpRoutes[] {
  const meets = (served: string, routed: string): boolean => narrower(served, routed) === host;
  const hosts = mesh
    .gatewayHosts(gateway.key, namespace)
    .filter((routed) => server.hosts.some((served) => meets(served.host, routed)));
  if (hosts.length === 0) return [];
  return mesh
    .gatewayRoutesFor(gateway.key, hosts, namespace)
    .filter((source) =>
      server.hosts.some(
        (served) =>
          isFor(served, source) && source.hosts.some((routed) => meets(served.host, routed)),
      ),
    );
}

/** Sources share a host: what one takes as a whole must not hide what another takes in part. */
function merged(routes: readonly Route[]): readonly Route[] {
  const catchAll = routes.find(isCatchAll);
  const parts = routes.filter((route) => !isCatchAll(route));
  return catchAll === undefined ? parts : [...parts, catchAll];
}
