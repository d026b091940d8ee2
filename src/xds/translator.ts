import type { EnvoyPatch, PatchRole } from "../model/ir/envoy-filter.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import type { ResourceType } from "./resource.ts";
import type { ProxyView } from "./view.ts";

/** A resource as a plain object, in Envoy's own vocabulary, with what delivery must know of it. */
export interface Translated {
  readonly name: string;
  /** The message of `src/proto/gen`, ready to be encoded. */
  readonly body: object;
  /** Clusters that traffic reaches through it (virtual hosts and listeners), or whose endpoints it is. */
  readonly clusters: readonly string[];
  /** Of a cluster, the name of its endpoints, where that is not its own. */
  readonly assignment?: string;
  /** Endpoints of a cluster of which there are none now. */
  readonly isEmpty?: boolean;
  /** The body's bytes, where it may hold what our codecs do not know. */
  readonly bytes?: Uint8Array;
  readonly patches?: Patches;
}

/** What users changed in a resource. */
export interface Patches {
  readonly applied: readonly EnvoyPatch[];
  /** Left out, for a proxy did not take the resource with them. */
  readonly omitted: readonly EnvoyPatch[];
}

/**
 * One row of the translator's table: pure, and memoised by the engine per key, so a change costs
 * the keys whose reads it touched. Several rows may serve one type. Proxies share a row's keys when
 * their views agree in the fields that `keys` read, so what reads `workload` (inbound) is a row of
 * its own; they share a resource when they agree in what `resource` read.
 */
export interface Translator {
  readonly type: ResourceType;
  /** Which side of the proxy its resources are on, where their names do not tell. */
  readonly role?: PatchRole;
  /**
   * What the keys come from, where they are many: hosts, say. Keys are then asked for by group, and
   * a change to one group costs that group alone. No two groups have a key in common.
   */
  groups?(mesh: Mesh, view: ProxyView): readonly string[];
  /** Keys of all resources of this type that the proxy gets, of one group if there are groups. */
  keys(mesh: Mesh, view: ProxyView, group: string): readonly string[];
  /**
   * Where a group's list is long, `keys` may be names that the model has at hand: this makes the
   * keys of them, and is asked of those alone that come and go.
   */
  keyOf?(group: string, name: string): string;
  /**
   * A namespace in whose place the proxy's own the resource comes out the same, so that proxies of
   * several namespaces share it.
   */
  standpoint?(mesh: Mesh, namespace: string, key: string): string;
  /** The resource behind a key; `undefined` if nothing is left of it. */
  resource(mesh: Mesh, view: ProxyView, key: string): Translated | undefined;
}

/** All keys of a row, whether it has groups or not. */
export function allKeys(row: Translator, mesh: Mesh, view: ProxyView): readonly string[] {
  return (row.groups?.(mesh, view) ?? [""]).flatMap((group) =>
    row.keys(mesh, view, group).map((name) => row.keyOf?.(group, name) ?? name),
  );
}
