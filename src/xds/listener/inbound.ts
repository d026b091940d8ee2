/**
 * What comes to a workload: mutual TLS from the mesh, plaintext from elsewhere, told apart by the
 * ALPN that the mesh's clients use; and within each, HTTP and other bytes.
 */
import { PORTS } from "../../api/names.ts";
import type { Mesh, MeshSettings } from "../../model/ir/mesh.ts";
import type { Retry } from "../../model/ir/route.ts";
import type { Protocol } from "../../model/ir/service.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type {
  FilterChain,
  FilterChainMatch,
} from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import type { RouteConfiguration } from "../../proto/gen/envoy/config/route/v3/route.ts";
import { listenerAddress } from "../address.ts";
import { ingressNames, type OpenPort, openPorts } from "../inbound.ts";
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  inboundClusterName,
  listenerName,
  VIRTUAL_INBOUND,
} from "../names.ts";
import { timeouts } from "../route/action.ts";
import { retryPolicy } from "../route/retry.ts";
import { isAvailable } from "../secret.ts";
import { downstreamMutualTls, HTTP_ALPNS, STREAM_ALPNS } from "../tls.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { httpFilter, streamFilter } from "./chain.ts";
import { inspectors, ORIGINAL_DST, PLAIN_HTTP, RAW } from "./inspect.ts";
import { serverSecrets, serverTls, type Terminate } from "./server-tls.ts";
import { loopGuard } from "./unknown.ts";

/** Where a port leads, and what to call it. */
interface Inbound {
  /** Absent: every port that is not one of a service. */
  readonly port?: number;
  readonly protocol: Protocol;
  readonly cluster: string;
  /** `host:port` as clients know it, for traces. */
  readonly operation: string;
  /** How clients from outside the mesh speak TLS to it, as all of them must. */
  readonly tls?: Terminate | undefined;
  readonly isBound?: boolean;
}

/** What capture brings to a workload. */
export function virtualInbound(mesh: Mesh, view: ProxyView, base: Listener): Translated {
  const { settings } = mesh;
  const known = openPorts(mesh, view)
    .filter(({ bind }) => bind === undefined)
    .map(inboundOf);
  const unknown: Inbound = {
    protocol: "auto",
    cluster: INBOUND_PASSTHROUGH_CLUSTER,
    operation: ":0/*",
  };
  const streamPorts = known
    .filter(({ protocol }) => isStream(protocol))
    .map(({ port = 0 }) => port);
  const body: Listener = {
    ...base,
    filterChains: [
      loopGuard(settings, VIRTUAL_INBOUND, PORTS.inbound),
      ...[...known, unknown].flatMap((inbound) => portChains(mesh, view, inbound)),
    ],
    ...inspectors(settings, [ORIGINAL_DST], streamPorts),
  };
  const clusters = [...known, unknown].map(({ cluster }) => cluster);
  return { name: VIRTUAL_INBOUND, body, clusters: [BLACK_HOLE_CLUSTER, ...clusters].sort() };
}

/** Ports at which the proxy itself listens, as a Sidecar asks for. */
export const ingressListeners: Translator = {
  type: "Listener",
  role: "inbound",
  keys: (mesh, view) => (view.kind === "sidecar" ? [...ingressNames(mesh, view)].sort() : []),
  resource(mesh, view, key) {
    const port = openPorts(mesh, view).find(
      (one) => one.bind !== undefined && listenerName(one.bind, one.port) === key,
    );
    if (port === undefined) return undefined;
    const inbound = inboundOf(port);
    const body: Listener = {
      name: key,
      address: listenerAddress(key),
      trafficDirection: "INBOUND",
      filterChains: [...portChains(mesh, view, inbound)],
      ...inspectors(mesh.settings, [], isStream(port.protocol) ? [port.port] : []),
    };
    return { name: key, body, clusters: [inbound.cluster] };
  },
};

const inboundOf = (port: OpenPort): Inbound => ({
  port: port.port,
  protocol: port.protocol,
  cluster: inboundClusterName(port.port),
  operation: `${port.host}:${port.servicePort}/*`,
  tls: port.tls,
  isBound: port.bind !== undefined,
});

const isStream = (protocol: Protocol): boolean =>
  protocol === "tcp" || protocol === "tls" || protocol === "https";

/** Kinds of connection, and by what they are known. */
const MATCHES = {
  mutualAny: { transportProtocol: "tls", applicationProtocols: [...STREAM_ALPNS, ...HTTP_ALPNS] },
  mutualHttp: { transportProtocol: "tls", applicationProtocols: HTTP_ALPNS },
  mutualStream: { transportProtocol: "tls", applicationProtocols: STREAM_ALPNS },
  plainAny: { transportProtocol: RAW },
  plainHttp: { transportProtocol: RAW, applicationProtocols: PLAIN_HTTP },
  /** TLS that is the application's own affair. */
  foreignTls: { transportProtocol: "tls" },
} satisfies Record<string, FilterChainMatch>;

type Kind = keyof typeof MATCHES;

function portChains(mesh: Mesh, view: ProxyView, inbound: Inbound): readonly FilterChain[] {
  const { settings } = mesh;
  const chain = (kind: Kind, speaks: "http" | "stream"): FilterChain => {
    const { port, cluster, isBound = false } = inbound;
    return {
      name: chainName(inbound, speaks),
      filterChainMatch: {
        ...(port !== undefined && !isBound && { destinationPort: port }),
        ...MATCHES[kind],
      },
      ...(kind.startsWith("mutual") && {
        transportSocket: downstreamMutualTls(settings),
      }),
      filters: [speaks === "http" ? requests(settings, inbound) : streamFilter(settings, cluster)],
    };
  };
  if (inbound.tls !== undefined)
    return ownTlsChains(mesh, view, { ...inbound, tls: inbound.tls }, chain);
  switch (inbound.protocol) {
    case "http":
    case "http2":
    case "grpc":
      return [chain("mutualAny", "http"), chain("plainAny", "http")];
    case "https":
    case "tls":
    case "tcp":
      return [
        chain("mutualAny", "stream"),
        chain("foreignTls", "stream"),
        chain("plainAny", "stream"),
      ];
    case "auto":
      return [
        chain("mutualHttp", "http"),
        chain("mutualStream", "stream"),
        chain("foreignTls", "stream"),
        chain("plainHttp", "http"),
        chain("plainAny", "stream"),
      ];
  }
}

/** Beside the mesh's clients those that speak the port's own TLS, and nobody in plaintext. */
function ownTlsChains(
  mesh: Mesh,
  view: ProxyView,
  { tls, protocol }: Inbound & { readonly tls: Terminate },
  chain: (kind: Kind, speaks: "http" | "stream") => FilterChain,
): readonly FilterChain[] {
  const speaks = SPEAKS_HTTP.has(protocol) ? "http" : "stream";
  const mutual = chain("mutualAny", speaks);
  if (!serverSecrets(tls).every((name) => isAvailable(mesh, view, name))) return [mutual];
  const transportSocket = serverTls(mesh, tls, alpn(speaks));
  return [mutual, { ...chain("foreignTls", speaks), transportSocket }];
}

/** What is spoken inside the TLS of a port of its own. */
const SPEAKS_HTTP: ReadonlySet<Protocol> = new Set(["http", "http2", "grpc", "https"]);

const alpn = (speaks: "http" | "stream"): readonly string[] =>
  speaks === "http" ? ["h2", "http/1.1"] : [];

function chainName({ port }: Inbound, speaks: "http" | "stream"): string {
  if (port !== undefined) return `0.0.0.0_${port}`;
  return speaks === "http" ? `${VIRTUAL_INBOUND}-catchall-http` : VIRTUAL_INBOUND;
}

const requests = (settings: MeshSettings, inbound: Inbound) =>
  httpFilter(settings, {
    direction: "inbound",
    statPrefix: `inbound_0.0.0.0_${inbound.port ?? 0}`,
    routing: { routeConfig: inboundRoutes(settings, inbound) },
  });

/** An idle connection that the application closes as a request comes is nobody's fault; gRPC retries itself. */
const RETRY: Retry = { on: "reset-before-request", attempts: 2, ignorePreviousHosts: false };

function inboundRoutes(
  { traffic }: MeshSettings,
  { port = 0, cluster, operation, protocol }: Inbound,
): RouteConfiguration {
  // There is no other host that a retry could go to.
  const retry = { ...(traffic?.inboundRetry ?? RETRY), ignorePreviousHosts: false };
  return {
    name: cluster,
    virtualHosts: [
      {
        name: `inbound|http|${port}`,
        domains: ["*"],
        routes: [
          {
            name: "default",
            match: { prefix: "/" },
            decorator: { operation },
            route: {
              cluster,
              ...timeouts(),
              ...(protocol !== "grpc" && retryPolicy(retry, false)),
            },
          },
        ],
      },
    ],
    validateClusters: false,
  };
}
