import type { Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";

/** Every cluster that requests reach through the routes, sorted. */
export function clustersIn(routes: readonly Route[]): readonly string[] {
  const names = routes.flatMap(({ route }) => [
    ...(route?.cluster !== undefined ? [route.cluster] : []),
    ...(route?.weightedClusters?.clusters ?? []).flatMap(({ name }) => name ?? []),
    ...(route?.requestMirrorPolicies ?? []).flatMap(({ cluster }) => cluster ?? []),
  ]);
  return [...new Set(names)].sort();
}
