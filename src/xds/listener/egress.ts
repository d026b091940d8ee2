/**
 * The listeners that a Sidecar asks for besides those that capture leads to: for one port, with hosts
 * of its own; at an address of its own; or bound by the proxy itself, for clients that are told so.
 */
import { PORTS } from "../../api/names.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { ServicePort } from "../../model/ir/service.ts";
import type { EgressListener } from "../../model/ir/sidecar.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { anyAddress, pipe, socketAddress } from "../address.ts";
import { ingressNames } from "../inbound.ts";
import { listenerName, parseListener, portRoute } from "../names.ts";
import { sidecarAudience } from "../route/virtual-host.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { httpListener } from "./any-address.ts";
import { byRds, httpFilter } from "./chain.ts";
import { addressesOf, streamListener, streamPorts, type Viewer } from "./outbound.ts";
import { greetsWithTls } from "./stream.ts";

const ANY = "0.0.0.0";
const LOOPBACK = "127.0.0.1";
const RESERVED: ReadonlySet<number> = new Set(Object.values(PORTS));

const listenersOf = (mesh: Mesh, view: ProxyView): readonly EgressListener[] =>
  view.kind === "sidecar"
    ? (mesh.egress(mesh.scope(view)) ?? []).filter(({ port = 0 }) => !RESERVED.has(port))
    : [];

const speaksHttp = ({ protocol }: EgressListener): boolean =>
  protocol === "http" || protocol === "http2" || protocol === "grpc";

function nameOf({ bind, captured }: EgressListener, port: number): string {
  if (bind?.startsWith("/") || bind?.startsWith("@")) return `unix:${bind}`;
  return listenerName(bind ?? (captured ? ANY : LOOPBACK), port);
}

/** The ports of one listener; of one for all ports, those that no other has. */
function httpPortsOf(mesh: Mesh, view: ProxyView, listener: EgressListener): readonly number[] {
  if (listener.port !== undefined) return speaksHttp(listener) ? [listener.port] : [];
  if (listener.captured) return [];
  const taken = new Set(listenersOf(mesh, view).map(({ port }) => port));
  return mesh.httpPorts(mesh.scope(view)).filter((port) => !taken.has(port) && !RESERVED.has(port));
}

export const egressHttpListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) =>
    listenersOf(mesh, view)
      .flatMap((one) => httpPortsOf(mesh, view, one).map((port) => nameOf(one, port)))
      .filter((name) => !ingressNames(mesh, view).has(name))
      .sort(),
  resource(mesh, view, key) {
    for (const one of listenersOf(mesh, view))
      for (const port of httpPortsOf(mesh, view, one))
        if (nameOf(one, port) === key) return egressHttp(mesh, view, { name: key, port, one });
    return undefined;
  },
};

interface Opened {
  readonly name: string;
  readonly port: number;
  readonly one: EgressListener;
}

function egressHttp(mesh: Mesh, view: ProxyView, { name, port, one }: Opened): Translated {
  if (one.captured) return httpListener(mesh, view, name);
  const filter = httpFilter(mesh.settings, {
    direction: "outbound",
    statPrefix: `outbound_${name}`,
    routing: byRds(portRoute(port)),
  });
  const body: Listener = {
    name,
    ...boundAddress(mesh, one, port),
    trafficDirection: "OUTBOUND",
    filterChains: [{ filters: [filter] }],
  };
  return { name, body, clusters: [] };
}

function boundAddress(mesh: Mesh, { bind = LOOPBACK }: EgressListener, port: number): Listener {
  if (bind.startsWith("/") || bind.startsWith("@")) return { address: pipe(bind) };
  if (bind === ANY) return anyAddress(port, mesh.addressFamilies().includes("IPv6"));
  return { address: socketAddress(bind, port) };
}

/** A key is the listener's name and the host that it leads to. */
const streamKey = (name: string, host: string): string => `${name}/${host}`;

export const egressStreamListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) =>
    [...streamOwners(mesh, view)]
      .filter(([name]) => !ingressNames(mesh, view).has(name))
      .map(([name, host]) => streamKey(name, host))
      .sort(),
  resource(mesh, view, key) {
    const slash = key.lastIndexOf("/");
    const name = key.slice(0, slash);
    const host = key.slice(slash + 1);
    const number = name.startsWith("unix:") ? 0 : parseListener(name).port;
    const listeners = listenersOf(mesh, view);
    const one =
      listeners.find(({ port }) => port === number) ??
      listeners.find(({ port }) => port === undefined);
    const ports = mesh.service(host, view.namespace)?.ports ?? [];
    const port = ports.find((p) => p.port === number) ?? ports[0];
    if (one === undefined || port === undefined) return undefined;
    const made = streamListener(
      name,
      { host, port: one.port === undefined ? port : opaque(port, one) },
      sidecarAudience(mesh, view, port.port),
    );
    if (one.captured) return made;
    const { bindToPort: _, ...rest } = made.body as Listener;
    return { ...made, body: { ...rest, ...boundAddress(mesh, one, number) } };
  },
};

/** What an own listener carries is what it says, so nothing has to be found out. */
const opaque = (port: ServicePort, { protocol = port.protocol }: EgressListener): ServicePort => ({
  ...port,
  protocol: greetsWithTls({ protocol }) ? "tls" : "tcp",
});

function streamOwners(mesh: Mesh, view: ProxyView): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  const claim = (name: string, host: string): void =>
    void (taken.has(name) || taken.set(name, host));
  const listeners = listenersOf(mesh, view);
  for (const one of listeners)
    for (const [host, port] of streamsOf(mesh, view, one))
      for (const name of namesOf({ mesh, namespace: view.namespace }, one, host, port))
        claim(name, host);
  return taken;
}

/** Hosts and ports behind a listener that no HTTP is spoken to. */
function streamsOf(
  mesh: Mesh,
  view: ProxyView,
  one: EgressListener,
): readonly (readonly [string, number])[] {
  const { port: own } = one;
  const scope = mesh.scope(view);
  if (own !== undefined)
    return speaksHttp(one) ? [] : mesh.hostsOnPort(scope, own).map((host) => [host, own]);
  if (one.captured) return [];
  // One address cannot be of both kinds; requests say for which host they are, so they have it.
  const taken = new Set<number | undefined>(mesh.httpPorts(scope));
  for (const { port } of mesh.egress(scope) ?? []) taken.add(port);
  return mesh.streamHosts(scope).flatMap((host) =>
    streamPorts(mesh.service(host, view.namespace))
      .filter(({ port }) => !taken.has(port) && !RESERVED.has(port))
      .map(({ port }) => [host, port] as const),
  );
}

/** Captured connections to no address in particular are told apart by the services' addresses. */
function namesOf(
  viewer: Viewer,
  one: EgressListener,
  host: string,
  port: number,
): readonly string[] {
  if (!one.captured || one.bind !== undefined) return [nameOf(one, port)];
  const service = viewer.mesh.service(host, viewer.namespace);
  const known = service?.ports.find((p) => p.port === port);
  if (service === undefined || known === undefined) return [];
  const addresses = addressesOf(viewer, service, known);
  // One without addresses can be anywhere.
  return (addresses.length > 0 ? addresses : [ANY]).map((address) => listenerName(address, port));
}
