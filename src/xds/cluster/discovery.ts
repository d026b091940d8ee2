/** How a cluster finds its endpoints, where we do not list them. */
import type { ServicePort } from "../../model/ir/service.ts";
import type {
  Cluster,
  Cluster_CustomClusterType,
} from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { TypedExtensionConfig } from "../../proto/gen/envoy/config/core/v3/extension.ts";
import type { ClusterLoadAssignment } from "../../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type { DnsCacheConfig } from "../../proto/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";

/** Names without a TTL of their own are looked up again after this. */
const REFRESH_MS = 60_000;
const REFRESH = duration(REFRESH_MS);

/** A socket for each lookup of many makes no name wait for another's answer. */
const RESOLVER: TypedExtensionConfig = {
  name: "envoy.network.dns_resolver.cares",
  typedConfig: typed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
    udpMaxQueries: 100,
  }),
};

/** @param once whether a connection goes to what the name means just then, and not to one of all */
export const byDns = (
  loadAssignment: ClusterLoadAssignment,
  once: boolean,
  refreshMs: number = REFRESH_MS,
): Cluster => ({
  // Envoy refuses the former for more names than one, and for none, as a subset may have.
  type: once && isOneName(loadAssignment) ? "LOGICAL_DNS" : "STRICT_DNS",
  dnsLookupFamily: "ALL",
  dnsRefreshRate: duration(refreshMs),
  dnsJitter: "0.1s",
  respectDnsTtl: true,
  typedDnsResolverConfig: RESOLVER,
  loadAssignment,
});

const isOneName = ({ endpoints = [] }: ClusterLoadAssignment): boolean =>
  endpoints.length === 1 && endpoints[0]?.lbEndpoints?.length === 1;

/** Filters and clusters that have it in common look a name up once. */
export const DNS_CACHE: DnsCacheConfig = {
  name: "meshwright",
  dnsLookupFamily: "ALL",
  dnsRefreshRate: REFRESH,
  typedDnsResolverConfig: RESOLVER,
};

const DYNAMIC: Cluster_CustomClusterType = {
  name: "envoy.clusters.dynamic_forward_proxy",
  typedConfig: typed("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", {
    dnsCacheConfig: DNS_CACHE,
    // A policy may name the server itself, or trust any: that is for its author to say.
    allowInsecureClusterOptions: true,
  }),
};

export const byRequest: Cluster = { clusterType: DYNAMIC, lbPolicy: "CLUSTER_PROVIDED" };

export const byClient = ({ targetPort }: ServicePort): Cluster => ({
  type: "ORIGINAL_DST",
  lbPolicy: "CLUSTER_PROVIDED",
  ...(targetPort !== undefined && { originalDstLbConfig: { upstreamPortOverride: targetPort } }),
});
