/**
 * Sidecars' virtual hosts. Each is a resource of its own, and whatever no other has is caught by one
 * that is always there: a route configuration without any virtual host would never become ready.
 */
import type { Mesh, MeshSettings } from "../../model/ir/mesh.ts";
import type { HttpRoutes, HttpRule } from "../../model/ir/route.ts";
import type { UnknownTraffic } from "../../model/ir/sidecar.ts";
import type { Route, VirtualHost } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { CATCH_ALL, hostRoute, parseVirtualHost, portRoute, virtualHostName } from "../names.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { routeAction, timeouts } from "./action.ts";
import { type Audience, MESH_GATEWAY } from "./audience.ts";
import { clustersIn } from "./clusters.ts";
import { detectedPorts } from "./detected.ts";
import { areFor, httpRoutes } from "./http.ts";
import { withSharedRetries } from "./retry.ts";
import { unknownCluster } from "./unknown.ts";

/** Hosts that requests name, by port. */
export const namedHosts: Translator = {
  type: "VirtualHost",
  groups: (mesh, view) =>
    view.kind === "sidecar" ? mesh.httpPorts(mesh.scope(view)).map(portRoute) : [],
  keys(mesh, view, group) {
    const scope = mesh.scope(view);
    const hosts = mesh.httpHosts(scope, Number(group));
    return mesh.routesAnyHost(scope, Number(group))
      ? hosts.filter((host) => host !== CATCH_ALL)
      : hosts;
  },
  keyOf: (group, host) => virtualHostName(portRoute(Number(group)), host, Number(group)),
  resource(mesh, view, key) {
    const { host, port } = parseVirtualHost(key);
    const routes = routesOf(host, sidecarAudience(mesh, view, port));
    return (
      routes && virtualHost(mesh.settings, key, mesh.domains(host, mesh.scope(view), port), routes)
    );
  },
};

/** Of each port, what no host of it has. */
export const otherHosts: Translator = {
  type: "VirtualHost",
  keys: (mesh, view) =>
    view.kind === "sidecar"
      ? mesh
          .httpPorts(mesh.scope(view))
          .map((port) => virtualHostName(portRoute(port), CATCH_ALL, port))
          .sort()
      : [],
  resource: (mesh, view, key) =>
    catchAll(key, sidecarAudience(mesh, view, parseVirtualHost(key).port)),
};

/** Hosts whose listener has their address: whatever a request calls them, it is they. */
export const detectedHosts: Translator = {
  type: "VirtualHost",
  groups: (mesh, view) => (view.kind === "sidecar" ? mesh.streamHosts(mesh.scope(view)) : []),
  keys: (mesh, { namespace }, host) =>
    detectedPorts(mesh, host, namespace)
      .map((port) => virtualHostName(hostRoute(host, port), host, port))
      .sort(),
  resource(mesh, view, key) {
    const { host, port } = parseVirtualHost(key);
    const routes = routesOf(host, sidecarAudience(mesh, view, port));
    return routes && virtualHost(mesh.settings, key, [CATCH_ALL], routes);
  },
};

export const sidecarAudience = (mesh: Mesh, view: ProxyView, port: number): Audience => ({
  mesh,
  view,
  namespace: view.namespace,
  port,
  gateways: [MESH_GATEWAY],
});

export function virtualHost(
  { traffic }: MeshSettings,
  name: string,
  domains: readonly string[],
  routes: readonly Route[],
): Translated {
  const body: VirtualHost = {
    name,
    domains: [...domains],
    ...withSharedRetries(routes),
    ...(traffic?.headers?.attemptCount !== false && { includeRequestAttemptCount: true }),
  };
  return { name, body, clusters: clustersIn(routes) };
}

/** The host's own routing; where there is none for this port or proxy, straight to the service. */
function routesOf(host: string, audience: Audience): readonly Route[] | undefined {
  const { mesh, view } = audience;
  const scope = mesh.scope(view);
  const sources = mesh.routesFor(host, scope).filter((source) => areFor(source, audience));
  if (sources.length > 0) return httpRoutes(sources, audience);
  const behind = portBehind(host, audience);
  return behind === undefined ? undefined : [defaultRoute(host, { ...audience, port: behind })];
}

const USUAL_PORT = 80;

/** A listener of its own need not have the service's port: then it means the only one, or the usual. */
function portBehind(host: string, { mesh, view, port }: Audience): number | undefined {
  const numbers = (mesh.service(host, view.namespace)?.ports ?? []).map((one) => one.port);
  if (numbers.includes(port)) return port;
  if (!namesAnyPort(mesh, mesh.scope(view), port)) return undefined;
  return numbers.length > 1 && numbers.includes(USUAL_PORT) ? USUAL_PORT : numbers[0];
}

/** Whether the port is that of a listener whose hosts need not have it. */
const namesAnyPort = (mesh: Mesh, scope: string, port: number): boolean =>
  mesh.egress(scope)?.some((one) => one.port === port && (port === 0 || one.isHttpProxy)) ?? false;

function defaultRoute(host: string, audience: Audience): Route {
  const destinations = [{ host, port: audience.port, weight: 1 }];
  const rule: HttpRule = {
    name: "default",
    matches: [],
    action: { kind: "forward", destinations },
  };
  return {
    name: rule.name,
    match: { prefix: "/" },
    ...routeAction(rule, { kind: "prefix", path: "/" }, audience),
    ...(audience.mesh.describes() && {
      decorator: { operation: `${host}:${audience.port}/*` },
    }),
  };
}

/** Hosts that nobody knows: routing for `*`, else the mesh's policy for unknown destinations. */
function catchAll(name: string, audience: Audience): Translated {
  const { mesh, view, port } = audience;
  const scope = mesh.scope(view);
  const sources: readonly HttpRoutes[] = mesh.routesAnyHost(scope, port)
    ? mesh.routesFor(CATCH_ALL, scope)
    : [];
  const routes = httpRoutes(sources, audience);
  return virtualHost(
    mesh.settings,
    name,
    [CATCH_ALL],
    routes.length > 0 ? routes : [unknownRoute(unknownTraffic(mesh, view, port))],
  );
}

/** Without capture nothing tells where a client meant to go, but the name that nobody knows. */
function unknownTraffic(mesh: Mesh, view: ProxyView, port: number): UnknownTraffic {
  const traffic = mesh.unknownTraffic(view);
  if (traffic.kind !== "allow") return traffic;
  const egress = mesh.egress(mesh.scope(view)) ?? [];
  const own =
    egress.find((one) => one.port === port) ?? egress.find((one) => one.port === undefined);
  return own?.captured === false ? { kind: "block" } : traffic;
}

function unknownRoute(traffic: UnknownTraffic): Route {
  const match = { prefix: "/" };
  if (traffic.kind === "block")
    return { name: "block_all", match, directResponse: { status: 502 } };
  return {
    name: traffic.kind === "allow" ? "allow_any" : "egress_proxy",
    match,
    route: { cluster: unknownCluster(traffic), ...timeouts() },
  };
}
