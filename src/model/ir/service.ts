/** Services and where their traffic goes, whatever told us of them. */

/** Protocols we tell apart; `auto` is detected on the wire, `tcp` covers all that is opaque. */
export type Protocol = "http" | "http2" | "grpc" | "https" | "tls" | "tcp" | "auto";

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Where connections go that keep their address, or whose server their greeting names, if it is another port. */
  readonly targetPort?: number;
}

export interface Service {
  /** Full name: `reviews.default.svc.cluster.local`. */
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** Cluster IPs of every family; empty for headless services. */
  readonly addresses: readonly string[];
  /** Whole ranges of addresses that are its own, as `address/length`. */
  readonly subnets?: readonly string[];
  /** Clients may come to it at addresses that we do not know. */
  readonly anyAddress?: boolean;
  readonly ports: readonly ServicePort[];
  /**
   * `static`: endpoints are known and served by EDS; `headless`: clients pick the endpoint, we keep
   * its address; `dns`: Envoy resolves the endpoints' names and takes all it is told, or with
   * `dns-round-robin` what it is told for each new connection; `dynamic-dns`: Envoy resolves what each
   * request names; `original-destination`: connections go where clients meant them to go.
   */
  readonly resolution:
    | "static"
    | "headless"
    | "dns"
    | "dns-round-robin"
    | "dynamic-dns"
    | "original-destination";
  /** Of type ExternalName: the host that it is another name for, wherever the mesh has that host. */
  readonly standsFor?: string;
  /** Not of the mesh: it takes no mutual TLS of ours. */
  readonly external?: boolean;
  /** From a ServiceEntry: it has no names but its host. */
  readonly registered?: boolean;
  /** Who its servers may prove to be, besides their workloads' identities. */
  readonly subjectAltNames?: readonly string[];
  /** Clients go to the endpoints nearest to them as long as there are any. */
  readonly prefers?: "zone" | "node";
  /** Clients reach the endpoints on their own node alone. */
  readonly nodeLocal?: boolean;
  /** `kind namespace/name` of the object it comes from. */
  readonly source: string;
  /** Of that object: RFC 3339 in UTC. */
  readonly created?: string;
}

/** One address that serves one port of a service. */
export interface Endpoint {
  /** An IP address, a name where the service's are resolved, or `unix:///path`. */
  readonly address: string;
  /** The port the workload listens on, not the service's. */
  readonly port: number;
  /** Name of the service port it serves. */
  readonly portName: string;
  /** `namespace/name` of the workload, if one is known behind the address. */
  readonly workload?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether the workload has a sidecar and so takes mutual TLS. */
  readonly tls: boolean;
  /** SPIFFE id of the workload, checked by the client's proxy. */
  readonly identity?: string;
  readonly health: "healthy" | "draining";
  readonly locality: {
    readonly region: string;
    readonly zone: string;
    readonly subzone?: string;
  };
  /** Its share of the load, relative to the others'; absent is 1. */
  readonly weight?: number;
  /** Absent: the network that its workload's cluster is in. */
  readonly network?: string;
  /** Name of the node that it runs on. */
  readonly node?: string;
}

/** Who answers at the endpoints of a host, whichever of them a client reaches. */
export interface Peers {
  /** SPIFFE ids of those that have one, sorted. */
  readonly identities: readonly string[];
  /** Whether any takes mutual TLS, and whether there are any and all do. */
  readonly anyMutual: boolean;
  readonly allMutual: boolean;
}

/** A pod (later also a WorkloadEntry): what inbound configuration is made for. */
export interface Workload {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The ports of its services, as it listens on them. */
  readonly ports: readonly InboundPort[];
}

export interface InboundPort {
  /** The workload's own port. */
  readonly port: number;
  readonly protocol: Protocol;
  /** Service host it serves, for names in stats and logs. */
  readonly host: string;
  /** The service's own port number: a gateway's server on it listens on `port`. */
  readonly servicePort: number;
}
