/** What a gateway's pods listen on: the servers of all Gateways that select them, by port. */
import type { Gateway, GatewayServer } from "../model/ir/listener.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import { gatewayRoute, secureGatewayRoute } from "./names.ts";
import type { ProxyView } from "./view.ts";

export interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/** Ports below are not for a proxy that is not root, unless its Service says so. */
const FIRST_UNPRIVILEGED = 1024;

/** By the port that the pod listens on, ascending: a Service's target port, where one has the server's. */
export function serversByPort(
  mesh: Mesh,
  view: ProxyView,
): ReadonlyMap<number, readonly BoundServer[]> {
  const gateways = view.kind === "gateway" ? mesh.gateways(view.labels) : [];
  const bound = gateways.flatMap((gateway) =>
    gateway.servers.flatMap((server) => {
      const port = listeningPort(mesh, view, server.port);
      return port === undefined ? [] : [{ port, gateway, server }];
    }),
  );
  return Map.groupBy(
    bound.toSorted((a, b) => a.port - b.port),
    ({ port }) => port,
  );
}

function listeningPort(mesh: Mesh, view: ProxyView, port: number): number | undefined {
  const ports = mesh.workload(view.workload)?.ports ?? [];
  const target = ports.find(({ servicePort }) => servicePort === port)?.port;
  return target ?? (port >= FIRST_UNPRIVILEGED ? port : undefined);
}

/** A route configuration of a gateway, and the servers whose hosts are in it. */
export interface HttpTable {
  readonly route: string;
  readonly port: number;
  readonly servers: readonly BoundServer[];
}

/** Servers of plain HTTP share the port's hosts; each that speaks TLS is alone with its own. */
export function httpTables(mesh: Mesh, view: ProxyView): readonly HttpTable[] {
  return [...serversByPort(mesh, view)].flatMap(([port, servers]) => {
    const byRoute = Map.groupBy(servers.filter(speaksHttp), (bound) => routeOf(bound, port));
    return [...byRoute].map(([route, bound]) => ({ route, port, servers: bound }));
  });
}

export const speaksHttp = ({ server: { protocol, tls } }: BoundServer): boolean =>
  protocol === "HTTP" || (protocol === "HTTPS" && tls?.mode === "terminate");

export function routeOf({ gateway, server }: BoundServer, port: number): string {
  if (server.protocol === "HTTP") return gatewayRoute(port);
  return secureGatewayRoute(port, server.name, gateway.key);
}

/** The hosts that both mean: the narrower of the two, if one lies within the other. */
export function narrower(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

const covers = (pattern: string, host: string): boolean =>
  pattern === host ||
  pattern === "*" ||
  (pattern.startsWith("*.") && host.endsWith(pattern.slice(1)));
