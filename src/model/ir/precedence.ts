import type { Service } from "./service.ts";

/**
 * Of two services that want the same connections: a Kubernetes Service comes before what is registered
 * besides, then the older, then the first by namespace, name and host.
 */
export function byPrecedence(a: Service, b: Service): number {
  return (
    Number(a.registered ?? false) - Number(b.registered ?? false) ||
    compare(a.created, b.created) ||
    compare(a.namespace, b.namespace) ||
    compare(a.name, b.name) ||
    compare(a.host, b.host)
  );
}

function compare(a = "", b = ""): number {
  return a < b ? -1 : Number(a > b);
}
