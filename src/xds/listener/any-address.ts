/**
 * Listeners for every address of a port: who is meant is told by what is sent, HTTP's host or the
 * name in TLS's greeting, or by the subnet that the address lies in, or by nothing at all.
 */
import { PORTS } from "../../api/names.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { anyAddress } from "../address.ts";
import { listenerName, parseListener, portRoute } from "../names.ts";
import type { Audience } from "../route/audience.ts";
import { sidecarAudience } from "../route/virtual-host.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { byRds, httpFilter, streamFilter } from "./chain.ts";
import { greetingInspector, inspectors, PLAIN_HTTP, RAW } from "./inspect.ts";
import { isDefault, namesServers, type Ruled, type StreamChain, streamChains } from "./stream.ts";
import { unknownCluster } from "./unknown.ts";

const ANY = "0.0.0.0";
/** Ports that the proxy itself binds on every address. */
const RESERVED: ReadonlySet<number> = new Set(Object.values(PORTS));

export const UNBOUND: Listener = { bindToPort: false, trafficDirection: "OUTBOUND" };
export const SPEAKS_HTTP = { transportProtocol: RAW, applicationProtocols: PLAIN_HTTP };

/** Ports on which hosts speak HTTP and nothing else is told apart: the same for all proxies. */
export const httpListeners: Translator = {
  type: "Listener",
  keys: (mesh, { kind, namespace }) =>
    kind === "gateway"
      ? []
      : names(new Set(mesh.httpPorts(namespace)).difference(new Set(mesh.openPorts(namespace)))),
  resource: (mesh, _view, key) => listener(mesh, key, { speaksHttp: true, streams: [] }),
};

/** Ports on which hosts are served at addresses that nobody has told us. */
export const openListeners: Translator = {
  type: "Listener",
  keys: (mesh, { kind, namespace }) =>
    kind === "gateway" ? [] : names(new Set(mesh.openPorts(namespace))),
  resource(mesh, view, key) {
    const { port } = parseListener(key);
    const speaksHttp = mesh.httpPorts(view.namespace).includes(port);
    return listener(mesh, key, { speaksHttp, streams: openStreams(mesh, view, port) });
  },
};

const names = (ports: ReadonlySet<number>): readonly string[] =>
  [...ports]
    .filter((port) => !RESERVED.has(port))
    .map((port) => listenerName(ANY, port))
    .sort();

interface Content {
  readonly speaksHttp: boolean;
  readonly streams: readonly StreamChain[];
}

function listener(mesh: Mesh, name: string, { speaksHttp, streams }: Content): Translated {
  const { settings } = mesh;
  const { port } = parseListener(name);
  const unknown = unknownCluster(settings);
  const parts = streams.filter((stream) => !isDefault(stream)).map(({ chain }) => chain);
  const whole = streams.find(isDefault) ?? {
    chain: { name: "PassthroughFilterChain", filters: [streamFilter(settings, unknown)] },
    clusters: [unknown],
  };
  const body: Listener = {
    name,
    ...anyAddress(port, mesh.addressFamilies().includes("IPv6")),
    ...UNBOUND,
    filterChains: [...parts, ...(speaksHttp ? [httpChain(mesh, name)] : [])],
    defaultFilterChain: whole.chain,
    // Where all is one, nothing is waited for: the server may be the one who speaks first.
    ...(speaksHttp ? inspectors() : streams.some(namesServers) && greetingInspector),
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

/** Of hosts that want the same connections the first has them. */
function openStreams(mesh: Mesh, view: ProxyView, port: number): readonly StreamChain[] {
  const audience = sidecarAudience(mesh, view, port);
  const ruled = mesh.openHosts(view.namespace, port).flatMap((host) => {
    const service = mesh.service(host, view.namespace);
    const found = service?.ports.find((one) => one.port === port);
    return service && found ? ruledBy(service, found, audience) : [];
  });
  return streamChains(ruled, audience);
}

/** The host's own routing, then what it leaves open; all of it within the host's subnets, if it has any. */
function ruledBy(service: Service, port: ServicePort, audience: Audience): readonly Ruled[] {
  const { host, subnets } = service;
  const { mesh, namespace, gateways } = audience;
  const routing = mesh.streamRoutesFor(host, namespace);
  const plain = {
    matches: [NAMED.has(port.protocol) ? { sniHosts: [host] } : {}],
    destinations: [{ host, port: port.port, weight: 1 }],
  };
  return [
    ...(routing ? [{ rules: [...routing.tls, ...routing.tcp], gateways: routing.gateways }] : []),
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

/** Clients that greet with TLS say whom they mean. */
const NAMED: ReadonlySet<ServicePort["protocol"]> = new Set(["https", "tls"]);
