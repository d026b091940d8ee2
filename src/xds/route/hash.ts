import type { LoadBalancer } from "../../model/ir/traffic.ts";
import type { RouteAction_HashPolicy } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { duration } from "../../util/duration.ts";

/** What of a request chooses the endpoint; Envoy wants to know it on the route, not the cluster. */
export function hashPolicy(balancer: LoadBalancer | undefined): readonly RouteAction_HashPolicy[] {
  if (balancer?.kind !== "consistent-hash") return [];
  const { key } = balancer;
  switch (key.kind) {
    case "header":
      return [{ header: { headerName: key.name } }];
    case "cookie":
      return [
        {
          cookie: {
            name: key.name,
            ...(key.ttlMs !== undefined && { ttl: duration(key.ttlMs) }),
            ...(key.path !== undefined && { path: key.path }),
            ...(key.attributes && { attributes: [...key.attributes] }),
          },
        },
      ];
    case "source-ip":
      return [{ connectionProperties: { sourceIp: true } }];
    case "query":
      return [{ queryParameter: { name: key.name } }];
  }
}
