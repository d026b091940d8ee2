/**
 * Routing for one dialled address, in what gRPC libraries have of it: they refuse a whole route
 * configuration for one field of a kind that they do not know.
 *
 * @see https://github.com/grpc/proposal/blob/master/A28-xds-traffic-splitting-and-routing.md
 */
import type { Fault, HttpMatch, HttpRoutes, HttpRule } from "../../model/ir/route.ts";
import type { RouteConfiguration } from "../../proto/gen/envoy/config/route/v3/route.ts";
import type { Route, RouteAction } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { duration } from "../../util/duration.ts";
import { routeFilters } from "../filter/traffic.ts";
import { outboundClusterName, parseOutboundCluster } from "../names.ts";
import { type Audience, concerns, MESH_GATEWAY } from "../route/audience.ts";
import { clustersIn } from "../route/clusters.ts";
import { type Resolved, resolve } from "../route/destination.ts";
import { areFor } from "../route/http.ts";
import { isCatchAll } from "../route/match.ts";
import { retryPolicy } from "../route/retry.ts";
import type { Translator } from "../translator.ts";
import { callMatches } from "./match.ts";
import { dialledHosts, dialledName, dialledPorts } from "./name.ts";

export const grpcRoutes: Translator = {
  type: "RouteConfiguration",
  groups: dialledHosts,
  keys: (mesh, { namespace }, host) =>
    dialledPorts(mesh, host, namespace).map(outboundClusterName).sort(),
  resource(mesh, view, key) {
    const dialled = parseOutboundCluster(key);
    if (dialled === undefined) return undefined;
    const { host, port } = dialled;
    const audience = { mesh, view, namespace: view.namespace, gateways: [MESH_GATEWAY] };
    const routes = routesFor({ ...audience, host, port });
    const virtualHosts = [{ name: dialledName(dialled), domains: ["*"], routes: [...routes] }];
    const body: RouteConfiguration = { name: key, virtualHosts };
    return { name: key, body, clusters: clustersIn(routes) };
  },
};

/** For whom routes are made, and what answers what nobody answers. */
interface Dial extends Audience {
  readonly host: string;
}

function routesFor(dial: Dial): readonly Route[] {
  const { host, mesh, view } = dial;
  const sources = mesh.routesFor(host, mesh.scope(view)).filter((source) => areFor(source, dial));
  if (sources.length === 0) return [defaultRoute(dial)];
  const routes = sources.flatMap((source) =>
    source.rules.flatMap((rule) => ruleRoutes(rule, source, dial)),
  );
  const end = routes.findIndex(isCatchAll);
  return end < 0 ? routes : routes.slice(0, end + 1);
}

function defaultRoute(dial: Dial): Route {
  const { host, port } = dial;
  const action = { kind: "forward" as const, destinations: [{ host, port, weight: 1 }] };
  const rule: HttpRule = { name: "default", matches: [], action };
  return { name: rule.name, match: { prefix: "/" }, ...call(rule, dial) };
}

function ruleRoutes(rule: HttpRule, { gateways }: HttpRoutes, dial: Dial): readonly Route[] {
  const isMeant = (match: HttpMatch): boolean => concerns(match, gateways, dial);
  return rule.matches
    .filter(isMeant)
    .flatMap(callMatches)
    .map((match) => ({ ...(rule.name && { name: rule.name }), match, ...call(rule, dial) }));
}

function call(rule: HttpRule, dial: Dial): Route {
  const { action, timeoutMs, retry, fault } = rule;
  if (action.kind === "respond") return failing({ kind: "http", code: action.status }, dial);
  if (action.kind === "redirect") return failing(UNAVAILABLE, dial);
  const resolved = action.destinations
    .map((destination) => resolve(destination, dial))
    .filter(({ destination: { weight } }) => weight > 0);
  if (resolved.length === 0) return failing(UNAVAILABLE, dial);
  const hash = headerHash(resolved);
  return {
    route: {
      ...target(resolved),
      ...(timeoutMs ? { maxStreamDuration: { maxStreamDuration: duration(timeoutMs) } } : {}),
      ...retries(retry, dial),
      ...(hash.length > 0 && { hashPolicy: hash }),
    },
    ...routeFilters({ fault }),
  };
}

type FaultStatus = NonNullable<Fault["abort"]>["status"];
const UNAVAILABLE: FaultStatus = { kind: "grpc", code: 14 };

/** A route that is no call is one that always fails: the library of Node ends with any other kind. */
const failing = (status: FaultStatus, { host, port }: Dial): Route => ({
  route: { cluster: outboundClusterName({ host, port }) },
  ...routeFilters({ fault: { abort: { percent: 100, status } } }),
});

function target(resolved: readonly Resolved[]): RouteAction {
  const [only, ...others] = resolved;
  if (only !== undefined && others.length === 0) return { cluster: only.cluster };
  return {
    weightedClusters: {
      clusters: resolved.map(({ cluster, destination }) => ({
        name: cluster,
        weight: destination.weight,
      })),
    },
  };
}

const headerHash = (resolved: readonly Resolved[]): NonNullable<RouteAction["hashPolicy"]> =>
  resolved.flatMap(({ hashPolicy }) => hashPolicy.filter(({ header }) => header !== undefined));

const RETRIED = new Set([
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

/** The conditions of calls; those of requests mean nothing here. */
function retries(retry: HttpRule["retry"], { mesh }: Dial): RouteAction {
  const { retryPolicy: whole } = retryPolicy(retry, true, mesh.settings) ?? {};
  const on = (whole?.retryOn ?? "").split(",").filter((word) => RETRIED.has(word));
  if (whole === undefined || on.length === 0) return {};
  const { numRetries, retryBackOff } = whole;
  return {
    retryPolicy: {
      retryOn: on.join(","),
      ...(numRetries !== undefined && { numRetries }),
      ...(retryBackOff && { retryBackOff }),
    },
  };
}
