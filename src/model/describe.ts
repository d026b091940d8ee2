import type { Client, Mesh } from "./ir/mesh.ts";
import type { Onlooker } from "./ir/sidecar.ts";

/** The whole of a mesh as plain data, as one sidecar sees it: for dumps and tests. */
export function describe(mesh: Mesh, proxy: Onlooker): object {
  const { namespace } = proxy;
  const scope = mesh.scope(proxy);
  const hosts = mesh.hosts(scope);
  const ports = mesh.httpPorts(scope);
  const named = new Set(hosts);
  const routed = ports.flatMap((port) => mesh.httpHosts(scope, port));
  for (const host of routed) named.add(host);
  const sidecar = mesh.sidecar(proxy);
  return {
    ...(sidecar && { sidecar }),
    services: byKey(hosts, (host) => mesh.service(host, namespace)),
    endpoints: byKey(hosts, (host) => mesh.endpoints(host, namespace)),
    http: byKey(ports, (port) =>
      byKey(mesh.httpHosts(scope, port), (host) => mesh.domains(host, scope, port)),
    ),
    streamHosts: mesh.streamHosts(scope),
    routes: byKey([...named].sort(), (host) => nonEmpty(mesh.routesFor(host, scope))),
    streamRoutes: byKey(hosts, (host) => nonEmpty(mesh.streamRoutesFor(host, scope))),
    policies: byKey(hosts, (host) => mesh.policy(host, { namespace, labels: {} })),
  };
}

/** What a gateway's pods get: its servers, and the routing bound to them. */
export function describeGateways(mesh: Mesh, { labels, namespace }: Client): object {
  const gateways = mesh.gateways(labels);
  return byKey(
    gateways.map(({ key }) => key),
    (key) => ({
      ...gateways.find((gateway) => gateway.key === key),
      routes: byKey(mesh.gatewayHosts(key, namespace), (host) =>
        mesh.gatewayRoutesFor(key, [host], namespace).map(({ source }) => source),
      ),
      streamRoutes: nonEmpty(mesh.gatewayStreamRoutes(key, namespace)),
    }),
  );
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function byKey<K extends string | number, V>(
  keys: readonly K[],
  of: (key: K) => V,
): Readonly<Record<string, V>> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = of(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
