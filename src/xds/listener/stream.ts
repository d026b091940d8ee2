/** Connections that are not looked into: how they are told apart, and where they go. */
import type { Destination, StreamMatch, StreamRoutes, StreamRule } from "../../model/ir/route.ts";
import type { ServicePort } from "../../model/ir/service.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type { CidrRange } from "../../proto/gen/envoy/config/core/v3/address.ts";
import type {
  Filter,
  FilterChain,
  FilterChainMatch,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";
import { isIpv6 } from "../address.ts";
import { DNS_CACHE } from "../cluster/discovery.ts";
import { BLACK_HOLE_CLUSTER } from "../names.ts";
import { type Audience, concerns } from "../route/audience.ts";
import { portOf, resolve } from "../route/destination.ts";
import { type StreamTarget, streamFilter } from "./chain.ts";

/** A filter chain, and the clusters it leads to. */
export interface StreamChain {
  readonly chain: FilterChain;
  readonly clusters: readonly string[];
}

export interface Ruled {
  readonly rules: readonly StreamRule[];
  /** Of the rules' source. */
  readonly gateways: readonly string[];
}

/** Whether clients greet with TLS, and so say whom they mean. */
export const greetsWithTls = ({ protocol }: Pick<ServicePort, "protocol">): boolean =>
  protocol === "https" || protocol === "tls";

/**
 * The rules of a host that are for connections to a port: by the name in the greeting, or without one.
 * After one that takes all there is nothing left, though Envoy would look for what is more specific.
 */
export function ruledBy(
  sources: readonly StreamRoutes[],
  port: Pick<ServicePort, "protocol">,
  audience: Audience,
): readonly Ruled[] {
  const all = sources.flatMap(({ tls, tcp, gateways }) =>
    (greetsWithTls(port) ? tls : tcp).map((rule) => ({ rules: [rule], gateways })),
  );
  const last = all.findIndex(({ rules, gateways }) =>
    rules.some(({ matches }) =>
      matches.some((match) => takesAll(match) && concerns(match, gateways, audience)),
    ),
  );
  return last < 0 ? all : all.slice(0, last + 1);
}

const takesAll = ({ sniHosts, destinationSubnets, sourceSubnet }: StreamMatch): boolean =>
  sniHosts === undefined && destinationSubnets === undefined && sourceSubnet === undefined;

/**
 * One chain for each way to match that no earlier rule has: Envoy refuses a listener that has two
 * chains for one kind of connection, and the rules say that the first wins.
 */
export function streamChains(all: readonly Ruled[], audience: Audience): readonly StreamChain[] {
  const taken = new Set<string>();
  return all.flatMap(({ rules, gateways }) =>
    rules.flatMap(({ matches, destinations }) =>
      matches
        .filter((match) => concerns(match, gateways, audience))
        .flatMap((match) => unclaimed(match, taken))
        .map((match) => streamChain(match, destinations, audience)),
    ),
  );
}

export function streamChain(
  filterChainMatch: FilterChainMatch,
  destinations: readonly Destination[],
  audience: Audience,
): StreamChain {
  const { target, clusters } = streamTarget(destinations, audience);
  return {
    chain: {
      ...(Object.keys(filterChainMatch).length > 0 && { filterChainMatch }),
      filters: [
        ...namedPorts(destinations, audience).map(nameFilter),
        streamFilter(audience.mesh.settings, target, clusters[0]),
      ],
    },
    clusters,
  };
}

/** The port, if connections go to the server that their TLS greeting names; of several destinations none is that. */
function namedPorts(
  [first, ...others]: readonly Destination[],
  { mesh, view, port }: Audience,
): readonly number[] {
  if (first === undefined || others.length > 0) return [];
  const service = mesh.service(first.host, view.namespace);
  if (service?.resolution !== "dynamic-dns") return [];
  const number = portOf(first, service.ports, port);
  return [service.ports.find((one) => one.port === number)?.targetPort ?? number];
}

const nameFilter = (portValue: number): Filter => ({
  name: "envoy.filters.network.sni_dynamic_forward_proxy",
  typedConfig: typed("envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig", {
    dnsCacheConfig: DNS_CACHE,
    portValue,
  }),
});

export const isDefault = ({ chain }: StreamChain): boolean => chain.filterChainMatch === undefined;

export const namesServers = ({ chain }: StreamChain): boolean =>
  chain.filterChainMatch?.serverNames !== undefined ||
  chain.filterChainMatch?.transportProtocol !== undefined;

const ANY = "*";

/** What is left of a match, subnet by subnet. */
function unclaimed(match: StreamMatch, taken: Set<string>): readonly FilterChainMatch[] {
  const { destinationSubnets: subnets = [undefined], sourceSubnet: source } = match;
  return subnets.flatMap((subnet) => {
    const key = `${subnet} ${source}`;
    const names = (match.sniHosts ?? [""]).filter((name) => claim(`${key} ${name}`, taken));
    const named = names.filter((name) => name !== "" && name !== ANY);
    const prefix: FilterChainMatch = {
      ...(subnet !== undefined && { prefixRanges: [cidr(subnet)] }),
      ...(source !== undefined && { sourcePrefixRanges: [cidr(source)] }),
    };
    return [
      ...(named.length > 0 ? [{ ...prefix, serverNames: named }] : []),
      ...(names.includes(ANY) ? [{ ...prefix, transportProtocol: "tls" }] : []),
      ...(names.includes("") ? [prefix] : []),
    ];
  });
}

function claim(key: string, taken: Set<string>): boolean {
  const isFree = !taken.has(key);
  taken.add(key);
  return isFree;
}

function cidr(subnet: string): CidrRange {
  const [addressPrefix = "", length] = subnet.split("/");
  const whole = isIpv6(addressPrefix) ? 128 : 32;
  return { addressPrefix, prefixLen: length === undefined ? whole : Number(length) };
}

function streamTarget(
  destinations: readonly Destination[],
  audience: Audience,
): { readonly target: StreamTarget; readonly clusters: readonly string[] } {
  const resolved = destinations.map((destination) => resolve(destination, audience));
  const [first, ...others] = resolved;
  if (first === undefined)
    return { target: { cluster: BLACK_HOLE_CLUSTER }, clusters: [BLACK_HOLE_CLUSTER] };
  const { tcpIdleTimeoutMs, maxConnectionDurationMs } = first.policy.connections ?? {};
  const bySource = first.hashPolicy.some(({ connectionProperties }) => connectionProperties);
  const target: StreamTarget = {
    ...(others.length === 0
      ? { cluster: first.cluster }
      : {
          weightedClusters: {
            clusters: resolved.map(({ cluster, destination: { weight } }) => ({
              name: cluster,
              weight,
            })),
          },
        }),
    ...(bySource && { hashPolicy: [{ sourceIp: {} }] }),
    ...(first.policy.tunnel && tunneling(first.policy.tunnel)),
    ...(tcpIdleTimeoutMs !== undefined && { idleTimeout: duration(tcpIdleTimeoutMs) }),
    ...(maxConnectionDurationMs !== undefined && {
      maxDownstreamConnectionDuration: duration(maxConnectionDurationMs),
    }),
  };
  return { target, clusters: resolved.map(({ cluster }) => cluster) };
}

const tunneling = ({ method, target }: NonNullable<TrafficPolicy["tunnel"]>): StreamTarget => ({
  tunnelingConfig: { hostname: target, ...(method === "POST" && { usePost: true }) },
});
