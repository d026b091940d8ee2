/** Names of Envoy resources: a public contract, as they show in stats, logs and EnvoyFilters. */

export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
export const BLACK_HOLE_CLUSTER = "BlackHoleCluster";
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";

export const VIRTUAL_OUTBOUND = "virtualOutbound";
export const VIRTUAL_INBOUND = "virtualInbound";

/** Stands for every host that has no virtual host of its own. */
export const CATCH_ALL = "*";

export interface OutboundCluster {
  readonly host: string;
  readonly port: number;
  /** Absent: the whole service. */
  readonly subset?: string;
}

export const outboundClusterName = ({ host, port, subset = "" }: OutboundCluster): string =>
  `outbound|${port}|${subset}|${host}`;

export function parseOutboundCluster(name: string): OutboundCluster | undefined {
  const [direction, port, subset, host, ...more] = name.split("|");
  if (direction !== "outbound" || host === undefined || more.length > 0) return undefined;
  return { host, port: Number(port), ...(subset && { subset }) };
}

/** Which endpoints of a service take the mesh's TLS. */
export type Takers = "none" | "all" | "some";

const MARKS: Readonly<Record<Takers, string>> = { none: "", all: "~", some: "?" };

/**
 * The name of a cluster's endpoints, which says what kind they are of: a cluster that knows only
 * plaintext must not see one that takes TLS, not even while its successor is warming, nor Envoy take
 * what is new of an endpoint for what it knew. It is shorter than the cluster's name, as it is said
 * three times.
 */
export function assignmentName(
  { host, port, subset = "" }: OutboundCluster,
  { takers, clusterDomain }: { readonly takers: Takers; readonly clusterDomain: string },
): string {
  const local = `svc.${clusterDomain}`;
  // The dot at its end tells it from a host that is called so.
  const short = host.endsWith(`.${local}`) ? host.slice(0, -local.length) : host;
  return `${MARKS[takers]}${port}|${subset}|${short}`;
}

/** How every `serverName` begins. */
export const GREETING = "outbound_.";

/** What a client says in its TLS handshake: a name in DNS's alphabet for an outbound cluster. */
export const serverName = ({ host, port, subset = "" }: OutboundCluster): string =>
  `${GREETING}${port}_.${subset}_.${host}`;

/** What `serverName` was made of, as clusters of gateways are called that pass such connections on. */
export function parseServerName(name: string): OutboundCluster | undefined {
  const [direction, port, subset, ...host] = name.split("_.");
  if (direction !== "outbound" || host.length === 0) return undefined;
  return { host: host.join("_."), port: Number(port), ...(subset && { subset }) };
}

/** Something in a gateway's own pod. */
export const localClusterName = (endpoint: string): string => `local|${endpoint}`;

export const inboundClusterName = (port: number): string => `inbound|${port}||`;

/** Hosts of one port, as sidecars see them. */
export const portRoute = (port: number): string => String(port);

/** One host of a port whose protocol is detected: its listener has its address, so any name is it. */
export const hostRoute = (host: string, port: number): string => `${host}:${port}`;

/** @param bind absent: every address */
export const gatewayRoute = (port: number, bind?: string): string => `http.${port}${suffix(bind)}`;

/** A route's name has no slash, as virtual hosts' names begin with it. */
const suffix = (bind: string | undefined): string =>
  bind === undefined ? "" : `.${bind.replaceAll("/", "~")}`;

export interface SecureServer {
  /** That the pod listens on. */
  readonly port: number;
  readonly server: string;
  /** `namespace/name`. */
  readonly gateway: string;
  readonly bind?: string | undefined;
}

export function secureGatewayRoute({ port, server, gateway, bind }: SecureServer): string {
  const [namespace, name] = gateway.split("/");
  return `https.${port}.${server}.${name}.${namespace}${suffix(bind)}`;
}

/**
 * The name of a virtual host and of its resource, which must be one: Envoy acknowledges the removal
 * of a resource whose virtual host is called otherwise, and goes on serving it.
 */
export const virtualHostName = (route: string, host: string, port: number): string =>
  `${route}/${host}:${port}`;

export interface VirtualHostKey {
  readonly route: string;
  readonly host: string;
  readonly port: number;
}

export function parseVirtualHost(name: string): VirtualHostKey {
  const slash = name.indexOf("/");
  const colon = name.lastIndexOf(":");
  return {
    route: name.slice(0, slash),
    host: name.slice(slash + 1, colon),
    port: Number(name.slice(colon + 1)),
  };
}

export const listenerName = (address: string, port: number): string => `${address}_${port}`;

/** Address and port of a listener's name. */
export function parseListener(name: string): { readonly address: string; readonly port: number } {
  const end = name.lastIndexOf("_");
  return { address: name.slice(0, end), port: Number(name.slice(end + 1)) };
}
