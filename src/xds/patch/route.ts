/** Patches of route configurations, virtual hosts and routes, wherever they stand. */
import type {
  EnvoyPatch,
  RouteActionKind,
  RouteConfigurationMatch,
} from "../../model/ir/envoy-filter.ts";
import type { JsonObject } from "../../proto/reflect/json.ts";
import { httpTables } from "../gateway.ts";
import { CATCH_ALL, parseVirtualHost } from "../names.ts";
import { patchedList } from "./list.ts";
import { isMerge, listOf, mergedWith, nameOf, namesOf, type Subject, valueOf } from "./subject.ts";

/** The resource of a route configuration, whose virtual hosts are resources of their own. */
export function patchedRoutes(config: JsonObject, patch: EnvoyPatch, subject: Subject): JsonObject {
  if (!isMeantRoute(subject.name, patch.route, subject)) return config;
  return mergedWith(patch, "RouteConfiguration", config);
}

/** The resource of a virtual host; `undefined` if it is to go. */
export function patchedHost(
  host: JsonObject,
  patch: EnvoyPatch,
  subject: Subject,
): JsonObject | undefined {
  const key = parseVirtualHost(subject.name);
  if (!isMeantRoute(key.route, patch.route, subject)) return host;
  const names = [subject.name.slice(key.route.length + 1)];
  // The one that catches the rest is called otherwise elsewhere.
  if (key.host === CATCH_ALL) names.push("allow_any", "block_all", `blackhole:${key.port}`);
  if (!isMeantHost(host, patch.route, names)) return host;
  const next = changedHost(host, patch);
  if (next !== undefined || !namesOf(host["domains"]).includes(CATCH_ALL)) return next;
  // A route configuration without any virtual host would never become ready.
  return { name: subject.name, domains: [CATCH_ALL] };
}

/** A route configuration that stands in a listener, with its virtual hosts in it. */
export function patchedInlineRoutes(
  config: JsonObject,
  patch: EnvoyPatch,
  subject: Subject,
): JsonObject {
  if (!isMeantRoute(nameOf(config), patch.route, subject)) return config;
  if (patch.subject === "ROUTE_CONFIGURATION")
    return mergedWith(patch, "RouteConfiguration", config);
  const hosts = listOf(config["virtualHosts"]);
  if (patch.subject === "VIRTUAL_HOST" && patch.operation === "ADD")
    return { ...config, virtualHosts: [...hosts, valueOf(patch)] };
  const next = hosts.flatMap((host) =>
    isMeantHost(host, patch.route, [nameOf(host)]) ? (changedHost(host, patch) ?? []) : host,
  );
  const isSame = next.length === hosts.length && next.every((one, i) => one === hosts[i]);
  return isSame ? config : { ...config, virtualHosts: next };
}

/** Whether a route configuration of this name is meant. */
export function isMeantRoute(
  name: string,
  match: RouteConfigurationMatch = {},
  subject: Subject,
): boolean {
  if (match.name !== undefined && match.name !== name) return false;
  const { portNumber, portName, gateway } = match;
  if (portNumber === undefined && portName === undefined && gateway === undefined) return true;
  return subject.role === "gateway"
    ? isForServer(name, match, subject)
    : portName === undefined && gateway === undefined && portOf(name) === portNumber;
}

function isForServer(name: string, match: RouteConfigurationMatch, subject: Subject): boolean {
  const table = httpTables(subject.mesh, subject.view).find((one) => one.route === name);
  const { portNumber, portName, gateway } = match;
  return (table?.servers ?? []).some(
    (bound) =>
      (portNumber === undefined || [bound.server.port, table?.port].includes(portNumber)) &&
      (portName === undefined || portName === bound.server.name) &&
      (gateway === undefined || gateway === bound.gateway.key),
  );
}

/** `9080`, `host:9080`, `inbound|9080||`. */
const portOf = (name: string): number => Number(/(?:^|[:|])(\d+)(?:\|\|)?$/.exec(name)?.[1]);

function isMeantHost(
  host: JsonObject,
  match: RouteConfigurationMatch = {},
  names: readonly string[],
): boolean {
  const { name, domain } = match.host ?? {};
  if (name !== undefined && !names.includes(name)) return false;
  return domain === undefined || namesOf(host["domains"]).includes(domain);
}

function changedHost(host: JsonObject, patch: EnvoyPatch): JsonObject | undefined {
  if (patch.subject === "VIRTUAL_HOST") {
    if (patch.operation === "REMOVE") return undefined;
    return isMerge(patch) ? mergedWith(patch, "VirtualHost", host) : host;
  }
  return patch.subject === "HTTP_ROUTE" ? changedRoutes(host, patch) : host;
}

function changedRoutes(host: JsonObject, patch: EnvoyPatch): JsonObject {
  const routes = listOf(host["routes"]);
  // Without a name each is meant, but to insert none is.
  const wanted = patch.route?.route ?? (isMerge(patch) ? {} : undefined);
  const next = patchedList(routes, patch, {
    type: "Route",
    target: wanted && ((route) => isMeantAction(route, wanted)),
  });
  const isSame = next.length === routes.length && next.every((one, i) => one === routes[i]);
  return isSame ? host : { ...host, routes: [...next] };
}

const ACTIONS: Readonly<Record<RouteActionKind, string>> = {
  ROUTE: "route",
  REDIRECT: "redirect",
  DIRECT_RESPONSE: "directResponse",
};

const isMeantAction = (
  route: JsonObject,
  { name, action }: NonNullable<RouteConfigurationMatch["route"]>,
): boolean =>
  (name === undefined || route["name"] === name) &&
  (action === undefined || route[ACTIONS[action]] !== undefined);
