/** Which routing a Gateway's server takes: by its hosts, and by the namespaces that these are for. */
import type { GatewayServer } from "./listener.ts";

/** Whether routing of the source's namespace may have a server's host. */
export const isFor = (
  { namespace }: GatewayServer["hosts"][number],
  source: Pick<Bound, "namespace">,
): boolean => namespace === undefined || namespace === source.namespace;

/** What of a source of routing says which servers it may attach to. */
export interface Bound {
  readonly namespace: string;
  readonly hosts: readonly string[];
}

/** Those of a server's hosts that the source may have and means, be it in part. */
export const sharedHosts = (server: GatewayServer, source: Bound): readonly string[] =>
  server.hosts
    .filter((served) => isFor(served, source))
    .map(({ host }) => host)
    .filter((host) => source.hosts.some((routed) => narrower(host, routed) !== undefined));

/** The hosts that both mean: the narrower of the two, if one lies within the other. */
export function narrower(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

const covers = (pattern: string, host: string): boolean =>
  pattern === host ||
  pattern === "*" ||
  (pattern.startsWith("*.") && host.endsWith(pattern.slice(1)));
