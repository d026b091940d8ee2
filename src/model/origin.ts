import type { KubeObject } from "../api/object.ts";

/** Where something lowered comes from: what decides who may see it and who wins. */
export interface Origin {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, in UTC, so it sorts as text; the oldest object wins a conflict. */
  readonly created: string;
  /** Namespaces that see it: `*` is all; empty is none. */
  readonly exportTo: readonly string[];
}

/** @param exportTo as users write it: `.` is the object's own namespace, `~` nobody; absent is all */
export function originOf({ metadata }: KubeObject, exportTo: readonly string[] = []): Origin {
  const { namespace = "default", name, creationTimestamp = "" } = metadata;
  const everywhere = exportTo.length === 0 || exportTo.includes("*");
  // What is no name is no namespace's.
  const named = exportTo.filter((to) => typeof to === "string" && to !== "~");
  return {
    namespace,
    name,
    created: creationTimestamp,
    exportTo: everywhere ? ["*"] : named.map((to) => (to === "." ? namespace : to)),
  };
}

/** Oldest first, as every conflict is decided; then by namespace and name. */
export function byAge(a: Origin, b: Origin): number {
  return (
    compare(a.created, b.created) || compare(a.namespace, b.namespace) || compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
