/** Small configurations of Envoy, as a translator would make them, for tests of serving alone. */
import type { Cluster } from "../../src/proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "../../src/proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type { Listener } from "../../src/proto/gen/envoy/config/listener/v3/listener.ts";
import type { RouteConfiguration } from "../../src/proto/gen/envoy/config/route/v3/route.ts";
import type {
  Route,
  VirtualHost,
} from "../../src/proto/gen/envoy/config/route/v3/route_components.ts";
import { encode } from "../../src/xds/encode.ts";
import type { EncodedResource, ResourceType } from "../../src/xds/resource.ts";

const resource = (
  type: ResourceType,
  name: string,
  body: object,
  clusters: readonly string[] = [],
): EncodedResource => encode(type, { name, body, clusters });

const ADS = { ads: {}, resourceApiVersion: "V3" } as const;

export const byName = (
  ...resources: readonly EncodedResource[]
): Readonly<Record<string, EncodedResource>> =>
  Object.fromEntries(resources.map((one) => [one.name, one]));

interface ClusterTerms {
  readonly connectTimeout?: `${number}s`;
  readonly secret?: string;
  /** The name of its endpoints; its own unless said otherwise. */
  readonly assignment?: string;
}

/** An EDS cluster. Another `connectTimeout` makes another version of it. */
export function cluster(
  name: string,
  { connectTimeout = "1s", secret, assignment }: ClusterTerms = {},
): EncodedResource {
  const body: Cluster = {
    name,
    type: "EDS",
    edsClusterConfig: {
      edsConfig: ADS,
      ...(assignment !== undefined && { serviceName: assignment }),
    },
    connectTimeout,
    ...(secret && { transportSocket: tls(secret) }),
  };
  return resource("Cluster", name, body);
}

const tls = (secret: string) => ({
  name: "tls",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: secret, sdsConfig: ADS }] },
  },
});

export function endpoints(name: string, ...ports: readonly number[]): EncodedResource {
  const body: ClusterLoadAssignment = {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: ports.map((portValue) => ({
          endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
        })),
      },
    ],
  };
  return resource("ClusterLoadAssignment", name, body);
}

/** An HTTP listener on loopback that takes its routes from the named route configuration. */
export function listener(
  name: string,
  port: number,
  route: string,
  statPrefix: string = name,
): EncodedResource {
  const body: Listener = {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [
      {
        filters: [
          {
            name: "http",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              statPrefix,
              rds: { routeConfigName: route, configSource: ADS },
              httpFilters: [
                {
                  name: "router",
                  typedConfig: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  },
                },
              ],
            },
          },
        ],
      },
    ],
  };
  return resource("Listener", name, body);
}

export function routes(name: string, virtualHosts: VirtualHost[] = []): EncodedResource {
  const body: RouteConfiguration = { name, vhds: { configSource: ADS }, virtualHosts };
  return resource("RouteConfiguration", name, body);
}

/** `route/host:80`, answering with `text` itself, or forwarding to a cluster. */
export function host(
  route: string,
  domain: string,
  to: { readonly text: string } | { readonly cluster: string },
): EncodedResource {
  const rule: Route =
    "text" in to
      ? { match: { prefix: "/" }, directResponse: { status: 200, body: { inlineString: to.text } } }
      : { match: { prefix: "/" }, route: { cluster: to.cluster } };
  return virtualHost(route, { domains: [domain], routes: [rule] }, domain);
}

/** A virtual host in Envoy's own words, under the name that its resource has. */
export function virtualHost(route: string, body: VirtualHost, domain: string): EncodedResource {
  const name = `${route}/${domain}:80`;
  const named = { ...body, name: body.name ?? name };
  const clusters = (body.routes ?? []).flatMap((one) => one.route?.cluster ?? []);
  return resource("VirtualHost", name, named, clusters);
}
