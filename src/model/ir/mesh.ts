import type { Credential } from "./credential.ts";
import type { EnvoyFilter, FilterSelection, PatchAspect } from "./envoy-filter.ts";
import type { Gateway } from "./listener.ts";
import type { MeshTraffic } from "./mesh-traffic.ts";
import type { HttpRoutes, StreamRoutes } from "./route.ts";
import type { Endpoint, Peers, Service, Workload } from "./service.ts";
import type { EgressListener, Onlooker, Sidecar, UnknownTraffic } from "./sidecar.ts";
import type { DestinationPolicy, LocalityPolicy, TlsOrigin } from "./traffic.ts";

/** Mesh-wide settings that translation reads. */
export interface MeshSettings {
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  readonly accessLogFile: string;
  /** For services of which no DestinationRule says otherwise; absent: endpoints near the client first. */
  readonly localityLbSetting?: LocalityPolicy;
  readonly traffic?: MeshTraffic;
}

/** Who looks at a host. */
export interface Client {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The mesh as translators see it. Every method is a tracked read: the engine remembers who read
 * what, so ask for the one host you need and never walk the mesh to find it.
 */
export interface Mesh {
  readonly settings: MeshSettings;
  /**
   * What a proxy sees of the mesh has an id: its namespace, or more where a Sidecar has a say in it.
   * Labels are read only where some Sidecar selects by them.
   */
  scope(proxy: Onlooker): string;
  /** The Sidecar that counts for a proxy: that which selects it, its namespace's, or the mesh's. */
  sidecar(proxy: Onlooker): Sidecar | undefined;
  /** `undefined`: all that is exported to the namespace, by capture. */
  egress(scope: string): readonly EgressListener[] | undefined;
  unknownTraffic(proxy: Onlooker): UnknownTraffic;
  /** Hosts with a service that proxies of the scope may see, sorted. */
  hosts(scope: string): readonly string[];
  /**
   * As proxies in `namespace` see it: several objects may claim a host, and not all be visible. Of a
   * name for another host that they see, it is that host's.
   */
  service(host: string, namespace: string): Service | undefined;
  /** Other hosts that stand for this one, sorted. */
  names(host: string, namespace: string): readonly string[];
  endpoints(host: string, namespace: string): readonly Endpoint[];
  /** Of the endpoints, what changes seldom. */
  peers(host: string, namespace: string): Peers;
  /**
   * A namespace whose proxies see the host, its endpoints and its policies as those in `namespace` do,
   * but for what policies ask of their labels: the same for as many namespaces as possible.
   */
  standpoint(host: string, namespace: string): string;
  /** Of those, what the listener of this port has, whatever they speak there. */
  hostsOnPort(scope: string, port: number): readonly string[];
  /** Ports that any visible service has as HTTP, ascending, with their hosts, sorted. */
  httpPorts(scope: string): readonly number[];
  /**
   * Hosts with a virtual host on `port`: services that speak HTTP there, and on port 80 also the
   * hosts, wildcards among them, that have routes for sidecars but no service there that these see.
   */
  httpHosts(scope: string, port: number): readonly string[];
  /** Whether `*` is one of those hosts. */
  routesAnyHost(scope: string, port: number): boolean;
  /**
   * Ports with a host that clients come to at addresses we do not know, ascending, and those hosts,
   * sorted, as far as they do not (surely) speak HTTP there.
   */
  openPorts(scope: string): readonly number[];
  openHosts(scope: string, port: number): readonly string[];
  /** Whether there is any service whose servers are those that requests name. */
  resolvesNames(): boolean;
  /** Visible hosts with a port that is not (surely) HTTP: TCP, TLS, or to be detected; sorted. */
  streamHosts(scope: string): readonly string[];
  /**
   * The names and addresses by which clients of the scope mean `host`, without port, `host` itself
   * first. No two hosts of one port share one, so they can be the domains of its virtual host.
   */
  domains(host: string, scope: string, port: number): readonly string[];
  /**
   * Routing for one host as sidecars of the scope see it: that of the source with the most
   * specific host, of the oldest if several have it; empty if there is none.
   */
  routesFor(host: string, scope: string): readonly HttpRoutes[];
  /**
   * The same for connections, where that of all sources counts in turn: of the most specific host
   * first, then of the oldest. Empty if there is none.
   */
  streamRoutesFor(host: string, scope: string): readonly StreamRoutes[];
  /**
   * Of routing bound to a gateway (`namespace/name`), as far as it is exported to its pods in
   * `namespace`: the hosts, wildcards among them, sorted, and the routing for any of some of them, oldest first.
   */
  gatewayHosts(gateway: string, namespace: string): readonly string[];
  gatewayRoutesFor(
    gateway: string,
    hosts: readonly string[],
    namespace: string,
  ): readonly HttpRoutes[];
  gatewayStreamRoutes(gateway: string, namespace: string): readonly StreamRoutes[];
  /** `undefined` if the Secret is not there or nothing in it can be used. */
  credential(namespace: string, name: string): Credential | undefined;
  /** Reads the client's labels only if a policy for the host in its namespace asks for any. */
  policy(host: string, client: Client): DestinationPolicy | undefined;
  /** How policies that proxies of the namespace may see have them speak TLS to servers outside the mesh. */
  tlsOrigins(namespace: string): readonly TlsOrigin[];
  /** Names of the subsets that any client in `namespace` may know of a host. */
  subsets(host: string, namespace: string): readonly string[];
  workload(key: string): Workload | undefined;
  /** `IPv4` and `IPv6`, as far as any workload has an address of the family. */
  addressFamilies(): readonly string[];
  /** Gateways whose selector matches a pod with these labels, sorted by key. */
  gateways(labels: Readonly<Record<string, string>>): readonly Gateway[];
  /** EnvoyFilters for an aspect of proxies in `namespace`, if their labels agree, in the order in which they apply. */
  envoyFilters(namespace: string, aspect: PatchAspect): readonly FilterSelection[];
  envoyFilter(key: string): EnvoyFilter | undefined;
  /** Whether routes and clusters shall say what they are of, as something may read it. */
  describes(): boolean;
  /** Whether a proxy did not take a resource as patches made it, by its version. */
  isRefused(version: string): boolean;
}
