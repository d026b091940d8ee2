/**
 * Where a sidecar's outgoing connections are taken apart: captured ones arrive at one port and are
 * handed to the listener of the address they were meant for, which binds to nothing itself.
 */
import type { Mesh } from "../../model/ir/mesh.ts";
import { byPrecedence } from "../../model/ir/precedence.ts";
import type { Service, ServicePort } from "../../model/ir/service.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { isUnix, listenerAddress } from "../address.ts";
import { ingressNames } from "../inbound.ts";
import { hostRoute, listenerName, parseListener } from "../names.ts";
import type { Audience } from "../route/audience.ts";
import { sidecarAudience } from "../route/virtual-host.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { isCaptured, ownPorts, SPEAKS_HTTP, UNBOUND } from "./any-address.ts";
import { byRds, httpFilter } from "./chain.ts";
import { greetingInspector, inspectors } from "./inspect.ts";
import {
  isDefault,
  namesServers,
  ruledBy,
  type StreamChain,
  streamChain,
  streamChains,
} from "./stream.ts";

/** One for each address and port behind which bytes flow that tell no host. */
export const streamListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) =>
    view.kind === "sidecar" ? [...owners(mesh, view)].map(ownerKey).sort() : [],
  resource(mesh, view, key) {
    const [name = "", host = ""] = key.split("/");
    const port = mesh
      .service(host, view.namespace)
      ?.ports.find((p) => p.port === parseListener(name).port);
    return port && streamListener(name, { host, port }, sidecarAudience(mesh, view, port.port));
  },
};

/** The name of the listener and the host it leads to: two hosts may want one address. */
const ownerKey = ([listener, host]: readonly [string, string]): string => `${listener}/${host}`;

function owners(mesh: Mesh, view: ProxyView): ReadonlyMap<string, string> {
  const { namespace } = view;
  const taken = new Map<string, Service>();
  const scope = mesh.scope(view);
  const own = ownPorts(mesh, scope);
  const bound = ingressNames(mesh, view);
  for (const host of isCaptured(mesh, scope) ? mesh.streamHosts(scope) : []) {
    const service = mesh.service(host, namespace);
    for (const name of service ? listenersOf({ mesh, namespace }, service, own) : [])
      if (service && !bound.has(name) && isFirst(service, taken.get(name)))
        taken.set(name, service);
  }
  return new Map([...taken].map(([name, service]) => [name, service.host]));
}

const isFirst = (service: Service, rival: Service | undefined): boolean =>
  rival === undefined || byPrecedence(service, rival) < 0;

export interface Viewer {
  readonly mesh: Mesh;
  readonly namespace: string;
}

function listenersOf(
  viewer: Viewer,
  service: Service,
  own: ReadonlySet<number | undefined>,
): readonly string[] {
  return streamPorts(service)
    .filter(({ port }) => !own.has(port))
    .flatMap((port) => addressesOf(viewer, service, port).map((ip) => listenerName(ip, port.port)));
}

export const streamPorts = (service: Service | undefined): readonly ServicePort[] =>
  (service?.ports ?? []).filter(({ protocol }) => !SURELY_HTTP.has(protocol));

const SURELY_HTTP: ReadonlySet<ServicePort["protocol"]> = new Set(["http", "http2", "grpc"]);

/** Of a headless service, those of its endpoints, if they listen on the port that clients know; files are none. */
export function addressesOf(
  { mesh, namespace }: Viewer,
  service: Service,
  port: ServicePort,
): readonly string[] {
  if (service.resolution !== "headless") return service.addresses;
  return mesh
    .endpoints(service.host, namespace)
    .filter((endpoint) => endpoint.portName === port.name && endpoint.port === port.port)
    .map(({ address }) => address)
    .filter((address) => !isUnix(address));
}

interface HostPort {
  readonly host: string;
  readonly port: ServicePort;
}

export function streamListener(
  name: string,
  { host, port }: HostPort,
  audience: Audience,
): Translated {
  const streams = streamsOf(host, port, audience);
  const parts = streams.filter((stream) => !isDefault(stream)).map(({ chain }) => chain);
  const whole = streams.find(isDefault)?.chain;
  const { settings } = audience.mesh;
  const http = httpFilter(settings, {
    direction: "outbound",
    statPrefix: `outbound_${name}`,
    routing: byRds(hostRoute(host, port.port)),
    resolvesNames: audience.mesh.resolvesNames(),
  });
  const detected = port.protocol === "auto";
  const body: Listener = {
    name,
    address: listenerAddress(name),
    ...UNBOUND,
    filterChains: detected ? [...parts, { filterChainMatch: SPEAKS_HTTP, filters: [http] }] : parts,
    ...(whole && { defaultFilterChain: whole }),
    ...(detected
      ? inspectors(settings)
      : streams.some(namesServers) && greetingInspector(settings)),
  };
  const clusters = streams.flatMap((stream) => stream.clusters);
  return { name, body, clusters: [...new Set(clusters)].sort() };
}

/** Where connections go by the host's own routing; what it leaves open goes to the service. */
function streamsOf(host: string, port: ServicePort, audience: Audience): readonly StreamChain[] {
  const sources = audience.mesh.streamRoutesFor(host, audience.mesh.scope(audience.view));
  const ruled = streamChains(ruledBy(sources, port, audience), audience);
  return ruled.some(isDefault)
    ? ruled
    : [...ruled, streamChain({}, [{ host, port: port.port, weight: 1 }], audience)];
}
