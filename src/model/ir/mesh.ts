import type { Gateway } from "./listener.ts";
import type { HttpRoutes } from "./route.ts";
import type { Endpoint, Service, Workload } from "./service.ts";
import type { DestinationPolicy } from "./traffic.ts";

/** Mesh-wide settings that translation reads. */
export interface MeshSettings {
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  readonly accessLogFile: string;
}

/**
 * The mesh as translators see it. Every method is a tracked read: the engine remembers who read
 * what, so ask for the one host you need and never walk the mesh to find it.
 */
export interface Mesh {
  readonly settings: MeshSettings;
  /** Hosts with a service that proxies in `namespace` may see, sorted. */
  hosts(namespace: string): readonly string[];
  service(host: string): Service | undefined;
  endpoints(host: string): readonly Endpoint[];
  /** Ports that any visible service has, ascending, with the hosts that have it as HTTP, sorted. */
  httpPorts(namespace: string): readonly number[];
  httpHosts(namespace: string, port: number): readonly string[];
  /** Routing for one host as sidecars in `namespace` see it; most specific source wins. */
  routesFor(host: string, namespace: string): readonly HttpRoutes[];
  /** Routing bound to a gateway (`namespace/name`). */
  gatewayRoutes(gateway: string): readonly HttpRoutes[];
  policy(host: string, namespace: string): DestinationPolicy | undefined;
  workload(key: string): Workload | undefined;
  /** Gateways whose selector matches a pod with these labels, sorted by key. */
  gateways(labels: Readonly<Record<string, string>>): readonly Gateway[];
}
