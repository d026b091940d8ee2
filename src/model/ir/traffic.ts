/** How traffic behaves once a destination is chosen. */

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Over the host's, group by group. */
  readonly policy?: TrafficPolicy;
}

export type LoadBalancer =
  | { readonly kind: "round-robin" }
  | { readonly kind: "least-request" }
  | { readonly kind: "random" }
  | { readonly kind: "passthrough" }
  | {
      readonly kind: "consistent-hash";
      readonly key:
        | { readonly kind: "header"; readonly name: string }
        | {
            readonly kind: "cookie";
            readonly name: string;
            readonly path?: string;
            /** Absent: the mesh sets no cookie; 0: one that ends with the client's session. */
            readonly ttlMs?: number;
            readonly attributes?: readonly { readonly name: string; readonly value?: string }[];
          }
        | { readonly kind: "source-ip" }
        | { readonly kind: "query"; readonly name: string };
      readonly algorithm: "ring-hash" | "maglev";
      readonly minimumRingSize?: number;
      readonly tableSize?: number;
    };

/** Which endpoint a request goes to. */
export interface Balancing {
  readonly balancer?: LoadBalancer;
  /** New endpoints get their share of requests by and by; round-robin and least-request only. */
  readonly warmup?: {
    readonly ms: number;
    readonly minimumPercent?: number;
    readonly aggression?: number;
  };
  /** Absent: the mesh's own. */
  readonly locality?: LocalityPolicy;
}

/** How near and far endpoints share the load; localities are `region/zone/subzone`, with wildcards. */
export interface LocalityPolicy {
  readonly enabled: boolean;
  /** The first whose `from` is the client's locality says which share goes where. */
  readonly distribute?: readonly {
    readonly from: string;
    readonly to: Readonly<Record<string, number>>;
  }[];
  /** From a region to the one that stands in for it. */
  readonly failover?: readonly { readonly from: string; readonly to: string }[];
  /** `label` or `label=value`: endpoints that agree in more of them, from the first on, come first. */
  readonly failoverPriority?: readonly string[];
}

/** Bounds of what a proxy opens to a destination; absent is unbounded. */
export interface ConnectionPool {
  readonly connectTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxConcurrentStreams?: number;
  readonly maxConnectionDurationMs?: number;
  /** Of connections without requests. */
  readonly httpIdleTimeoutMs?: number;
  /** Of streams without bytes, and of HTTP connections where `httpIdleTimeoutMs` is absent. */
  readonly tcpIdleTimeoutMs?: number;
  readonly keepalive?: {
    readonly probes?: number;
    readonly timeMs?: number;
    readonly intervalMs?: number;
  };
  readonly http2Keepalive?: { readonly intervalMs: number; readonly timeoutMs: number };
  /** Speak HTTP/2 to plain HTTP ports, or whatever the client speaks. */
  readonly upgrade?: "http2" | "as-client" | "never";
  /** Whether names of headers are sent as they came, where HTTP/1.1 is spoken. */
  readonly preserveCase?: boolean;
}

/** Endpoints that fail are left out for a while; 0 consecutive errors is "not for these". */
export interface OutlierDetection {
  readonly consecutive5xx?: number;
  readonly consecutiveGatewayErrors?: number;
  readonly consecutiveLocalOriginFailures?: number;
  readonly splitLocalOrigin?: boolean;
  readonly errorCodes?: readonly number[];
  readonly intervalMs?: number;
  readonly baseEjectionMs?: number;
  /** Percentages, 0 to 100. */
  readonly maxEjectionPercent?: number;
  readonly minHealthPercent?: number;
}

/** TLS that is not the mesh's own, to a server outside. */
export interface TlsOrigin {
  /** Files in the proxy, or a secret (`credential`) that it fetches. */
  readonly certificate?: { readonly chain: string; readonly key: string };
  readonly caFile?: string;
  readonly credential?: string;
  /** Whether `credential` also has a certificate to show. */
  readonly mutual?: boolean;
  /** A file in the proxy that lists what is revoked. */
  readonly crlFile?: string;
  readonly sni?: string;
  readonly subjectAltNames: readonly string[];
  readonly skipVerify?: boolean;
}

/** The groups that can be said of a single port, each as a whole. */
export interface PortPolicy {
  readonly balancing?: Balancing;
  readonly connections?: ConnectionPool;
  readonly outlier?: OutlierDetection;
  /** Absent: mutual TLS where the endpoint has a sidecar, plaintext elsewhere. */
  readonly tls?: "disable" | "mutual" | MutualTls | TlsOrigin;
}

/** Mutual TLS of the mesh, and what is not as usual about it. */
export interface MutualTls {
  readonly mesh: true;
  /** What the server is called in the greeting, by which a gateway tells its hosts apart. */
  readonly sni?: string;
  /** Who the server may prove to be; absent: its workloads. */
  readonly subjectAltNames?: readonly string[];
}

export interface TrafficPolicy extends PortPolicy {
  readonly retryBudget?: {
    readonly percent?: number;
    readonly minConcurrency?: number;
    readonly intervalMs?: number;
  };
  readonly proxyProtocol?: 1 | 2;
  /** Connections go through a proxy, whose name for the destination is this. */
  readonly tunnel?: { readonly method: "CONNECT" | "POST"; readonly target: string };
  /** By port number of the service, in place of all groups above. */
  readonly ports?: Readonly<Record<number, PortPolicy>>;
}

/** The policy for one host, merged from its DestinationRules. */
export interface DestinationPolicy {
  readonly host: string;
  readonly source: string;
  readonly policy?: TrafficPolicy;
  readonly subsets: readonly Subset[];
}

/** The policies for one host that clients of one namespace may have: what their labels decide, and the rest. */
export interface DestinationPolicies {
  /** Only for clients that carry all of `clients`; the first that fits counts. */
  readonly selective: readonly {
    readonly clients: Readonly<Record<string, string>>;
    readonly policy: DestinationPolicy;
  }[];
  readonly general?: DestinationPolicy;
}
