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
  /** Answers `hasLabels` where the view is not a whole one, which then depends on the answer alone. */
  readonly hasLabels?: (selector: Labels) => boolean;
}

export type Labels = Readonly<Record<string, string>>;

/**
 * Whether the proxy's pod has all these labels. Proxies that give the same answer share what is made
 * of it, whatever other labels they have.
 */
export const hasLabels = (view: ProxyView, selector: Labels): boolean =>
  view.hasLabels?.(selector) ?? selects(selector, view.labels);

export const selects = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);
