/** Rules to Envoy's routes: one for each match, in order, as both take the first that matches. */
import type { HttpMatch, HttpRoutes, HttpRule } from "../../model/ir/route.ts";
import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
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
    .map((match) => ({
      ...routeName(rule, match),
      match: routeMatch(match),
      ...routeAction(rule, match.path, audience),
      ...(match.statPrefix !== undefined && { statPrefix: match.statPrefix }),
      metadata: { filterMetadata: { istio: { config: source.source } } },
    }));
}

function routeName({ name }: HttpRule, match: HttpMatch): { name?: string } {
  const parts = [name, match.name ?? ""].filter((part) => part !== "");
  return parts.length === 0 ? {} : { name: parts.join(".") };
}

/** Whether anything of it is meant for this listener of this proxy. */
export const areFor = ({ rules, gateways }: HttpRoutes, audience: Audience): boolean =>
  rules.some(({ matches }) => matches.some((match) => concerns(match, gateways, audience)));
