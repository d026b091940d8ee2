/**
 * Listeners for every address of a port: who is meant is told by what is sent, HTTP's host or the
 * name in TLS's greeting, or by the subnet that the address lies in, or by nothing at all.
 */
import { PORTS } from "../../api/names.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import { byPrecedence } from "../../model/ir/precedence.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { anyAddress, socketAddress } from "../address.ts";
import { ingressNames } from "../inbound.ts";
import { listenerName, parseListener, portRoute } from "../names.ts";
import type { Audience } from "../route/audience.ts";
import { unknownCluster } from "../route/unknown.ts";
import { sidecarAudience } from "../route/virtual-host.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { byRds, httpFilter, streamFilter } from "./chain.ts";
import { greetingInspector, inspectors, PLAIN_HTTP, RAW } from "./inspect.ts";
import {
  greetsWithTls,
  isDefault,
  namesServers,
  type Ruled,
  ruledBy,
  type StreamChain,
  streamChains,
} from "./stream.ts";

const ANY = "0.0.0.0";
/** Ports that the proxy itself binds on every address. */
const RESERVED: ReadonlySet<number> = new Set(Object.values(PORTS));

export const UNBOUND: Listener = { bindToPort: false, trafficDirection: "OUTBOUND" };
export const SPEAKS_HTTP = { transportProtocol: RAW, applicationProtocols: PLAIN_HTTP };

/** Ports on which hosts speak HTTP and nothing else is told apart: the same for all proxies. */
export const httpListeners: Translator = {
  type: "Listener",
  keys(mesh, view) {
    if (view.kind !== "sidecar") return [];
    const scope = mesh.scope(view);
    const ports = new Set(mesh.httpPorts(scope)).difference(new Set(mesh.openPorts(scope)));
    return names(mesh, view, ports);
  },
  resource: (mesh, view, key) => httpListener(mesh, view, key),
};

/** @param name the port's, on any address or on one */
export const httpListener = (mesh: Mesh, view: ProxyView, name: string): Translated =>
  listener(mesh, view, { name, speaksHttp: true, streams: [] });

/** Ports on which hosts are served at addresses that nobody has told us. */
export const openListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) =>
    view.kind === "sidecar" ? names(mesh, view, new Set(mesh.openPorts(mesh.scope(view)))) : [],
  resource(mesh, view, key) {
    const { port } = parseListener(key);
    const speaksHttp = mesh.httpPorts(mesh.scope(view)).includes(port);
    const streams = openStreams(mesh, view, port);
    return listener(mesh, view, { name: key, speaksHttp, streams });
  },
};

/** Of the ports to which capture leads, and that have no listener of their own (`egress.ts`). */
function names(mesh: Mesh, view: ProxyView, ports: ReadonlySet<number>): readonly string[] {
  const scope = mesh.scope(view);
  if (!isCaptured(mesh, scope)) return [];
  const own = ownPorts(mesh, scope);
  return [...ports]
    .filter((port) => !RESERVED.has(port) && !own.has(port))
    .map((port) => listenerName(ANY, port))
    .filter((name) => !ingressNames(mesh, view).has(name))
    .sort();
}

/** Whether connections to any port may come by capture. */
export const isCaptured = (mesh: Mesh, scope: string): boolean =>
  mesh.egress(scope)?.some(({ port, captured }) => port === undefined && captured) ?? true;

/** Ports with a listener of their own. */
export const ownPorts = (mesh: Mesh, scope: string): ReadonlySet<number | undefined> =>
  new Set(mesh.egress(scope)?.map(({ port }) => port));

interface Content {
  readonly name: string;
  readonly speaksHttp: boolean;
  readonly streams: readonly StreamChain[];
}

function listener(mesh: Mesh, view: ProxyView, content: Content): Translated {
  const { settings } = mesh;
  const { name, speaksHttp, streams } = content;
  const { address, port } = parseListener(name);
  const unknown = unknownCluster(mesh.unknownTraffic(view));
  const parts = streams.filter((stream) => !isDefault(stream)).map(({ chain }) => chain);
  const whole = streams.find(isDefault) ?? {
    chain: { name: "PassthroughFilterChain", filters: [streamFilter(settings, unknown)] },
    clusters: [unknown],
  };
  const body: Listener = {
    name,
    ...(address === ANY
      ? anyAddress(port, mesh.addressFamilies().includes("IPv6"))
      : { address: socketAddress(address, port) }),
    ...UNBOUND,
    filterChains: [...parts, ...(speaksHttp ? [httpChain(mesh, name)] : [])],
    defaultFilterChain: whole.chain,
    // Where all is one, nothing is waited for: the server may be the one who speaks first.
    ...(speaksHttp
      ? inspectors(settings)
      : streams.some(namesServers) && greetingInspector(settings)),
  };
  const clusters = [...streams, whole].flatMap((stream) => stream.clusters);
  return { name, body, clusters: [...new Set(clusters)].sort() };
}

function httpChain(mesh: Mesh, name: string): FilterChain {
  const http = httpFilter(mesh.settings, {
    direction: "outbound",
    statPrefix: `outbound_${name}`,
    routing: byRds(portRoute(parseListener(name).port)),
    resolvesNames: mesh.resolvesNames(),
  });
  return { filterChainMatch: SPEAKS_HTTP, filters: [http] };
}

/** Of hosts that want the same connections the first by precedence has them. */
function openStreams(mesh: Mesh, view: ProxyView, port: number): readonly StreamChain[] {
  const audience = sidecarAudience(mesh, view, port);
  const services = mesh
    .openHosts(mesh.scope(view), port)
    .flatMap((host) => mesh.service(host, view.namespace) ?? []);
  const ruled = services.toSorted(byPrecedence).flatMap((service) => {
    const found = service.ports.find((one) => one.port === port);
    return found ? allRules(service, found, audience) : [];
  });
  return streamChains(ruled, audience);
}

/** The host's own routing, then what it leaves open; all of it within the host's subnets, if it has any. */
function allRules(service: Service, port: ServicePort, audience: Audience): readonly Ruled[] {
  const { host, subnets } = service;
  const { mesh, view, gateways } = audience;
  const plain = {
    matches: [greetsWithTls(port) ? { sniHosts: [host] } : {}],
    destinations: [{ host, port: port.port, weight: 1 }],
  };
  return [
    ...ruledBy(mesh.streamRoutesFor(host, mesh.scope(view)), port, audience),
    { rules: [plain], gateways },
  ].map((ruled) => ({
    ...ruled,
    rules: ruled.rules.map((rule) => ({
      ...rule,
      matches: rule.matches.map((match) =>
        subnets === undefined ? match : { destinationSubnets: subnets, ...match },
      ),
    })),
  }));
}
