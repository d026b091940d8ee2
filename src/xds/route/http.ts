/** Rules to Envoy's routes: one for each match, in order, as both take the first that matches. */
import type { HttpMatch, HttpRoutes, HttpRule } from "../../model/ir/route.ts";
import type { Route, RouteMatch } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { parseOutboundCluster } from "../names.ts";
import { routeAction } from "./action.ts";
import { type Audience, concerns } from "./audience.ts";
import { isCatchAll, routeMatch } from "./match.ts";

/** Routes of several sources in turn; what comes after one that takes everything is left out. */
export function httpRoutes(all: readonly HttpRoutes[], audience: Audience): readonly Route[] {
  const routes = all.flatMap((source) =>
    source.rules.flatMap((rule) => ruleRoutes(rule, source, audience)),
  );
  const end = routes.findIndex(isCatchAll);
  return end < 0 ? routes : routes.slice(0, end + 1);
}

function ruleRoutes(rule: HttpRule, source: HttpRoutes, audience: Audience): readonly Route[] {
  return rule.matches
    .filter((match) => concerns(match, source.gateways, audience))
    .map((match) => {
      const route = {
        ...routeName(rule, match),
        match: routeMatch(match),
        ...routeAction(rule, match.path, audience),
        ...(match.statPrefix !== undefined && { statPrefix: match.statPrefix }),
      };
      return audience.mesh.describes()
        ? { ...route, ...description(route, source, audience) }
        : route;
    });
}

/**
 * Whose the route is and what traces call it: 120 bytes of each, and what dashboards, access logs
 * and tracing backends made for Istio look for.
 */
const description = (route: Route, source: HttpRoutes, { port }: Audience): Route => ({
  metadata: { filterMetadata: { istio: { config: configPath(source) } } },
  decorator: { operation: operation(route, source, port) },
});

const configPath = ({ namespace, name }: HttpRoutes): string =>
  `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;

/** The one host and port that it leads to, else the rule's own name; and what of paths it takes. */
function operation({ match, route }: Route, { name }: HttpRoutes, port: number): string {
  const to = parseOutboundCluster(route?.cluster ?? "");
  return (to ? `${to.host}:${to.port}` : `${name}:${port}`) + paths(match ?? {});
}

const paths = ({ path, safeRegex, prefix, pathSeparatedPrefix }: RouteMatch): string =>
  path ?? safeRegex?.regex ?? `${prefix ?? pathSeparatedPrefix ?? "/"}*`;

function routeName({ name }: HttpRule, match: HttpMatch): { name?: string } {
  const parts = [name, match.name ?? ""].filter((part) => part !== "");
  return parts.length === 0 ? {} : { name: parts.join(".") };
}

/** Whether anything of it is meant for this listener of this proxy. */
export const areFor = ({ rules, gateways }: HttpRoutes, audience: Audience): boolean =>
  rules.some(({ matches }) => matches.some((match) => concerns(match, gateways, audience)));
