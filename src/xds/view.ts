/**
 * All that a translator may know of a proxy. It is also the cache key: what is not in it cannot
 * make two proxies differ.
 */
export interface ProxyView {
  /** `grpc`: no proxy, but an application whose gRPC library speaks xDS. */
  readonly kind: "sidecar" | "gateway" | "grpc";
  readonly namespace: string;
  /** `namespace/name` of the proxy's pod: only inbound translation reads it. */
  readonly workload: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `region/zone/subzone` of its node; absent or empty: not known. */
  readonly locality?: string;
  /** Name of its node. */
  readonly node?: string;
}
