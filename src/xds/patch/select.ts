/**
 * Which EnvoyFilters are for a proxy. It is found out where keys are listed and travels in the keys,
 * so that a resource reads the filters that it is patched by, and where there are none, nothing.
 */
import type { EnvoyPatch, PatchAspect, PatchRole } from "../../model/ir/envoy-filter.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import { hasLabels, type ProxyView } from "../view.ts";

/** Keys are made of names that cannot have it. */
const SEPARATOR = "\n";

/** Keys of the filters that select the proxy, in the order in which they apply. */
export function filtersFor(
  mesh: Mesh,
  view: ProxyView,
  aspects: readonly PatchAspect[],
): readonly string[] {
  // What a gRPC library makes of configuration is not what Envoy does.
  if (view.kind === "grpc") return [];
  const found = aspects.flatMap((aspect) =>
    mesh
      .envoyFilters(view.namespace, aspect)
      .filter(({ selectors }) => selectors.some((selector) => hasLabels(view, selector)))
      .map(({ key }) => key),
  );
  return [...new Set(found)];
}

export const tagged = (keys: readonly string[], filters: readonly string[]): readonly string[] =>
  filters.length === 0 ? keys : keys.map((key) => key + SEPARATOR + filters.join(","));

export interface Tagged {
  readonly key: string;
  readonly filters: readonly string[];
}

export function untagged(key: string): Tagged {
  const at = key.lastIndexOf(SEPARATOR);
  if (at === -1) return { key, filters: [] };
  return { key: key.slice(0, at), filters: key.slice(at + 1).split(",") };
}

/** Whether the patch is for the proxy by more than its labels. */
export function isFor({ proxy, role }: EnvoyPatch, view: ProxyView, at: PatchRole): boolean {
  if (role !== undefined && role !== at) return false;
  if (proxy === undefined) return true;
  return (
    (proxy.namespace ?? view.namespace) === view.namespace &&
    (proxy.serviceAccount ?? view.serviceAccount) === view.serviceAccount
  );
}
