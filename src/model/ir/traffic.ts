/** How traffic behaves once a destination is chosen. */

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The whole policy, in place of the host's. */
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
            readonly ttlMs: number;
          }
        | { readonly kind: "source-ip" }
        | { readonly kind: "query"; readonly name: string };
      readonly algorithm: "ring-hash" | "maglev";
      readonly minimumRingSize?: number;
      readonly tableSize?: number;
    };

/** Bounds of what a proxy opens to a destination; absent is unbounded. */
export interface ConnectionPool {
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
  readonly upgrade?: "http2" | "as-client";
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
  readonly sni?: string;
  readonly subjectAltNames: readonly string[];
  readonly skipVerify?: boolean;
}

export interface TrafficPolicy {
  readonly loadBalancer?: LoadBalancer;
  readonly connectTimeoutMs?: number;
  readonly connections?: ConnectionPool;
  readonly outlier?: OutlierDetection;
  /** New endpoints get their share of requests by and by; round-robin and least-request only. */
  readonly warmup?: {
    readonly ms: number;
    readonly minimumPercent?: number;
    readonly aggression?: number;
  };
  readonly retryBudget?: {
    readonly percent?: number;
    readonly minConcurrency?: number;
    readonly intervalMs?: number;
  };
  readonly proxyProtocol?: 1 | 2;
  /** Instead of `tls`. */
  readonly tlsOrigin?: TlsOrigin;
  /** The whole policy for one port number of the service, in place of this one. */
  readonly ports?: Readonly<Record<number, TrafficPolicy>>;
  /** Absent: mutual TLS where the endpoint has a sidecar, plaintext elsewhere. */
  readonly tls?: "disable" | "mutual";
}

/** The policy for one host, merged from its DestinationRules. */
export interface DestinationPolicy {
  readonly host: string;
  readonly source: string;
  readonly policy: TrafficPolicy;
  readonly subsets: readonly Subset[];
}
