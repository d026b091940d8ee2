/** Rules to Envoy's routes: one for each match, in order, as both take the first that matches. */
import type { HttpMatch, HttpRoutes, HttpRule } from "../../model/ir/route.ts";
import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import type { ProxyView } from "../view.ts";
import { routeAction } from "./action.ts";
import type { Vantage } from "./destination.ts";
import { isCatchAll, routeMatch } from "./match.ts";

/** The gateway name by which rules mean all sidecars. */
export const MESH_GATEWAY = "mesh";

/** For whom routes are made. */
export interface Audience extends Vantage {
  /** Gateways (`namespace/name`) that the listener belongs to, or `mesh`. */
  readonly gateways: readonly string[];
  readonly view: ProxyView;
}

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
    .filter((match) => concerns(match, source, audience))
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
export const areFor = (source: HttpRoutes, audience: Audience): boolean =>
  source.rules.some(({ matches }) => matches.some((match) => concerns(match, source, audience)));

function concerns(match: HttpMatch, source: HttpRoutes, audience: Audience): boolean {
  const gateways = match.gateways ?? source.gateways;
  if (!gateways.some((gateway) => audience.gateways.includes(gateway))) return false;
  if (match.port !== undefined && match.port !== audience.port) return false;
  return audience.view.kind === "gateway" || comesFrom(match, audience.view);
}

function comesFrom({ sourceLabels, sourceNamespace }: HttpMatch, view: ProxyView): boolean {
  if (sourceNamespace !== undefined && sourceNamespace !== view.namespace) return false;
  if (sourceLabels === undefined) return true;
  return Object.entries(sourceLabels).every(([name, value]) => view.labels[name] === value);
}
