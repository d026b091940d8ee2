/**
 * Proxyless gRPC: what the libraries of a pod are told of the control plane, and the Envoy between
 * the two. Not all libraries can speak TLS to it or send a token, so none has to: Envoy adds both.
 */
import { PORTS, XDS_CLUSTER } from "../api/names.ts";
import type { Bootstrap } from "../proto/gen/envoy/config/bootstrap/v3/bootstrap.ts";
import type { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { ADMIN, type BootstrapOptions, controlPlaneCluster, overload, stats } from "./bootstrap.ts";
import { localClusters, localListeners } from "./bootstrap-local.ts";

const LOOPBACK = "127.0.0.1";

/**
 * The value of `GRPC_XDS_BOOTSTRAP_CONFIG`, which every gRPC library reads.
 *
 * @see https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
 */
export const grpcBootstrap = (node: string): string =>
  JSON.stringify({
    xds_servers: [
      {
        server_uri: `${LOOPBACK}:${PORTS.grpcXds}`,
        channel_creds: [{ type: "insecure" }],
        server_features: ["xds_v3"],
      },
    ],
    // The library of Node refuses a node without a locality, even an empty one.
    node: { id: node, cluster: node, locality: {}, metadata: { GENERATOR: "grpc" } },
  });

/** An Envoy that is static as a whole: it carries xDS and reads none. */
export const grpcAgentBootstrap = (options: BootstrapOptions): Bootstrap => ({
  admin: ADMIN,
  staticResources: {
    clusters: [controlPlaneCluster(options), ...localClusters(options)],
    listeners: [xdsListener, ...localListeners(options)],
  },
  ...stats(options.stats),
  overloadManager: overload(options.memoryLimitBytes),
});

/** For the pod alone: whoever reaches it speaks with the pod's token. */
const xdsListener: Listener = {
  name: "xds",
  address: { socketAddress: { address: LOOPBACK, portValue: PORTS.grpcXds } },
  filterChains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typedConfig: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            statPrefix: "xds",
            codecType: "HTTP2",
            http2ProtocolOptions: { connectionKeepalive: { interval: "30s", timeout: "10s" } },
            generateRequestId: false,
            streamIdleTimeout: "0s",
            routeConfig: {
              name: "xds",
              virtualHosts: [
                {
                  name: "xds",
                  domains: ["*"],
                  routes: [
                    {
                      match: {
                        prefix: "/envoy.service.discovery.v3.AggregatedDiscoveryService/",
                        grpc: {},
                      },
                      route: { cluster: XDS_CLUSTER, timeout: "0s" },
                    },
                  ],
                },
              ],
            },
            httpFilters: [
              {
                name: "envoy.filters.http.router",
                typedConfig: {
                  "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  suppressEnvoyHeaders: true,
                },
              },
            ],
          },
        },
      ],
    },
  ],
};
