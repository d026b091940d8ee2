import type { Mesh } from "./ir/mesh.ts";

/** The whole of a mesh as plain data, as proxies of one namespace see it: for dumps and tests. */
export function describe(mesh: Mesh, namespace: string): object {
  const hosts = mesh.hosts(namespace);
  const ports = mesh.httpPorts(namespace);
  const named = new Set(hosts);
  const routed = ports.flatMap((port) => mesh.httpHosts(namespace, port));
  for (const host of routed) named.add(host);
  return {
    services: byKey(hosts, (host) => mesh.service(host, namespace)),
    endpoints: byKey(hosts, (host) => mesh.endpoints(host, namespace)),
    http: byKey(ports, (port) =>
      byKey(mesh.httpHosts(namespace, port), (host) => mesh.domains(host, namespace, port)),
    ),
    streamHosts: mesh.streamHosts(namespace),
    routes: byKey([...named].sort(), (host) => nonEmpty(mesh.routesFor(host, namespace))),
    streamRoutes: byKey(hosts, (host) => mesh.streamRoutesFor(host, namespace)),
    policies: byKey(hosts, (host) => mesh.policy(host, { namespace, labels: {} })),
  };
}

/** What a gateway's pods get: its servers, and the routing bound to them. */
export function describeGateways(mesh: Mesh, labels: Readonly<Record<string, string>>): object {
  const gateways = mesh.gateways(labels);
  return byKey(
    gateways.map(({ key }) => key),
    (key) => ({
      ...gateways.find((gateway) => gateway.key === key),
      routes: byKey(mesh.gatewayHosts(key), (host) =>
        mesh.gatewayRoutesFor(key, host).map(({ source }) => source),
      ),
      streamRoutes: nonEmpty(mesh.gatewayStreamRoutes(key)),
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
