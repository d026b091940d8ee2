/** The messages that may stand in an `Any`; importing this file registers their codecs. */
import { type Any, register } from "./any.ts";
import { Cluster } from "./gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "./gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "./gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "./gen/envoy/config/route/v3/route.ts";
import { FilterConfig, VirtualHost } from "./gen/envoy/config/route/v3/route_components.ts";
import { FileAccessLog } from "./gen/envoy/extensions/access_loggers/file/v3/file.ts";
import { StdoutAccessLog } from "./gen/envoy/extensions/access_loggers/stream/v3/stream.ts";
import { ClusterConfig } from "./gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.ts";
import { Cors, CorsPolicy } from "./gen/envoy/extensions/filters/http/cors/v3/cors.ts";
import { CredentialInjector } from "./gen/envoy/extensions/filters/http/credential_injector/v3/credential_injector.ts";
import { FilterConfig as DynamicForwardProxy } from "./gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.ts";
import { HTTPFault } from "./gen/envoy/extensions/filters/http/fault/v3/fault.ts";
import { FilterConfig as GrpcStats } from "./gen/envoy/extensions/filters/http/grpc_stats/v3/config.ts";
import { HealthCheck } from "./gen/envoy/extensions/filters/http/health_check/v3/health_check.ts";
import { LocalRateLimit } from "./gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts";
import { Lua } from "./gen/envoy/extensions/filters/http/lua/v3/lua.ts";
import { OnDemand } from "./gen/envoy/extensions/filters/http/on_demand/v3/on_demand.ts";
import { RBAC, RBACPerRoute } from "./gen/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { Router } from "./gen/envoy/extensions/filters/http/router/v3/router.ts";
import { Config } from "./gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.ts";
import { UpstreamCodec } from "./gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.ts";
import { HttpInspector } from "./gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts";
import { OriginalDst } from "./gen/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts";
import { ProxyProtocol } from "./gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.ts";
import { TlsInspector } from "./gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.ts";
import { ConnectionLimit } from "./gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit.ts";
import { HttpConnectionManager } from "./gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { RBAC as NetworkRbac } from "./gen/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { SniCluster } from "./gen/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.ts";
import { FilterConfig as SniForwardProxy } from "./gen/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.ts";
import { TcpProxy } from "./gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { PreserveCaseFormatterConfig } from "./gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.ts";
import { Generic } from "./gen/envoy/extensions/http/injected_credentials/generic/v3/generic.ts";
import { CaresDnsResolverConfig } from "./gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.ts";
import { PreviousHostsPredicate } from "./gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts";
import { PreviousPrioritiesConfig } from "./gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.ts";
import { ProxyProtocolUpstreamTransport } from "./gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.ts";
import { RawBuffer } from "./gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts";
import { Secret } from "./gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import {
  DownstreamTlsContext,
  UpstreamTlsContext,
} from "./gen/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { HttpProtocolOptions } from "./gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { TcpProtocolOptions } from "./gen/envoy/extensions/upstreams/tcp/v3/tcp_protocol_options.ts";

const TYPES = {
  "envoy.config.cluster.v3.Cluster": Cluster,
  "envoy.config.endpoint.v3.ClusterLoadAssignment": ClusterLoadAssignment,
  "envoy.config.listener.v3.Listener": Listener,
  "envoy.config.route.v3.FilterConfig": FilterConfig,
  "envoy.config.route.v3.RouteConfiguration": RouteConfiguration,
  "envoy.config.route.v3.VirtualHost": VirtualHost,
  "envoy.extensions.access_loggers.file.v3.FileAccessLog": FileAccessLog,
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": StdoutAccessLog,
  "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig": ClusterConfig,
  "envoy.extensions.filters.http.cors.v3.Cors": Cors,
  "envoy.extensions.filters.http.cors.v3.CorsPolicy": CorsPolicy,
  "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector": CredentialInjector,
  "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig": DynamicForwardProxy,
  "envoy.extensions.filters.http.fault.v3.HTTPFault": HTTPFault,
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig": GrpcStats,
  "envoy.extensions.filters.http.health_check.v3.HealthCheck": HealthCheck,
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": LocalRateLimit,
  "envoy.extensions.filters.http.lua.v3.Lua": Lua,
  "envoy.extensions.filters.http.on_demand.v3.OnDemand": OnDemand,
  "envoy.extensions.filters.http.rbac.v3.RBAC": RBAC,
  "envoy.extensions.filters.http.rbac.v3.RBACPerRoute": RBACPerRoute,
  "envoy.extensions.filters.http.router.v3.Router": Router,
  "envoy.extensions.filters.http.set_filter_state.v3.Config": Config,
  "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec": UpstreamCodec,
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector": HttpInspector,
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst": OriginalDst,
  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol": ProxyProtocol,
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector": TlsInspector,
  "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit": ConnectionLimit,
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager":
    HttpConnectionManager,
  "envoy.extensions.filters.network.rbac.v3.RBAC": NetworkRbac,
  "envoy.extensions.filters.network.sni_cluster.v3.SniCluster": SniCluster,
  "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig": SniForwardProxy,
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": TcpProxy,
  "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig":
    PreserveCaseFormatterConfig,
  "envoy.extensions.http.injected_credentials.generic.v3.Generic": Generic,
  "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig": CaresDnsResolverConfig,
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate": PreviousHostsPredicate,
  "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig":
    PreviousPrioritiesConfig,
  "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport":
    ProxyProtocolUpstreamTransport,
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": RawBuffer,
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext": DownstreamTlsContext,
  "envoy.extensions.transport_sockets.tls.v3.Secret": Secret,
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext": UpstreamTlsContext,
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": HttpProtocolOptions,
  "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions": TcpProtocolOptions,
} as const;

register(TYPES);

type Types = typeof TYPES;

/** A typed config: `message` beside the "@type" that says what it is. */
export function typed<Name extends keyof Types>(
  name: Name,
  message: Parameters<Types[Name]["encode"]>[0] = {},
): Any {
  return { "@type": `type.googleapis.com/${name}`, ...message };
}
