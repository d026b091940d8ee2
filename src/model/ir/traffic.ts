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

export interface TrafficPolicy {
  readonly loadBalancer?: LoadBalancer;
  readonly connectTimeoutMs?: number;
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
