/** What a gateway's pods listen on: the servers of all Gateways that select them, by port. */
import { beginning, type Gateway, type GatewayServer } from "../model/ir/listener.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import { gatewayRoute, listenerName, secureGatewayRoute } from "./names.ts";
import type { ProxyView } from "./view.ts";

export interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
  /** That the pod listens on: a Service's target port, where one has the server's. */
  readonly port: number;
}

const EVERYWHERE = "0.0.0.0";

/** Ports below are not for a proxy that is not root, unless its Service says so. */
const FIRST_UNPRIVILEGED = 1024;

/** By the name of the listener, in the order of their ports. */
export function serversByListener(
  mesh: Mesh,
  view: ProxyView,
): ReadonlyMap<string, readonly BoundServer[]> {
  const gateways = view.kind === "gateway" ? mesh.gateways(view.labels) : [];
  const bound = gateways.flatMap((gateway) =>
    gateway.servers.flatMap((server) => {
      const port = listeningPort(mesh, view, server.port);
      return port === undefined ? [] : [{ gateway, server, port }];
    }),
  );
  const byListener = Map.groupBy(
    bound.toSorted((a, b) => a.port - b.port),
    ({ server, port }) => listenerName(server.bind ?? EVERYWHERE, port),
  );
  return new Map([...byListener].map(([name, servers]) => [name, alike(servers)]));
}

/** Of servers that cannot share a port the oldest Gateway's have it, and their like. */
const alike = (servers: readonly BoundServer[]): readonly BoundServer[] =>
  servers.filter(
    ({ server }, _, [first]) => first && beginning(server) === beginning(first.server),
  );

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
  return [...serversByListener(mesh, view).values()].flatMap((servers) => {
    const byRoute = Map.groupBy(servers.filter(speaksHttp), routeOf);
    return [...byRoute].map(([route, bound]) => ({
      route,
      port: servers[0]?.port ?? 0,
      servers: bound,
    }));
  });
}

export const speaksHttp = ({ server: { protocol, tls } }: BoundServer): boolean =>
  protocol === "HTTP" || (protocol === "HTTPS" && tls?.mode === "terminate");

export function routeOf({ gateway, server: { protocol, name, bind }, port }: BoundServer): string {
  if (protocol === "HTTP") return gatewayRoute(port, bind);
  return secureGatewayRoute({ port, server: name, gateway: gateway.key, bind });
}
