/** What the translator hands to delivery: resources that are encoded once and shared by streams. */
import type { Patches } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** The resource types we serve; `src/proto/type-url.ts` gives their URLs and order. */
export type ResourceType =
  | "Cluster"
  | "ClusterLoadAssignment"
  | "Listener"
  | "RouteConfiguration"
  | "VirtualHost"
  | "Secret";

export interface EncodedResource {
  readonly name: string;
  /** Content hash: two equal resources have one version, whoever made them. */
  readonly version: string;
  /** An encoded `envoy.service.discovery.v3.Resource` (name, version and body). */
  readonly bytes: Uint8Array;
  /**
   * Clusters that traffic reaches through this virtual host or listener: delivery waits for them. Of
   * endpoints, the cluster that they are for.
   */
  readonly clusters: readonly string[];
  /** Of a cluster, the name of its endpoints, where that is not its own. */
  readonly assignment?: string;
  /** Endpoints of a cluster of which there are none now: delivery waits a while for some. */
  readonly isEmpty?: boolean;
  readonly patches?: Patches;
}

/** All resources of one type that one scope sees, at one generation. */
export interface ResourceSet {
  /** Grows whenever `resources` changes. */
  readonly generation: number;
  readonly resources: ReadonlyMap<string, EncodedResource>;
  /**
   * Names that were added, changed or removed after `generation`, computed once for all streams.
   * `undefined`: too long ago to know, compare everything.
   */
  changedSince(generation: number): ReadonlySet<string> | undefined;
  /** Sets that this one is made of, where some of them are shared with other scopes. */
  readonly layers?: readonly ResourceSet[];
}

/** Proxies whose views must lead to the same resources share one scope. */
export interface Scope {
  /** The current resources; recomputed on demand, cheap when nothing changed. */
  of(type: ResourceType): ResourceSet;
}

export interface Scopes {
  /** The scope of a connected proxy; call `release` when it has gone. */
  acquire(view: ProxyView): { readonly scope: Scope; release(): void };
  /** Calls back after every batch of input that may have changed something; returns the undo. */
  onChange(listener: () => void): () => void;
}
