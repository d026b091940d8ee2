import type { Origin } from "./origin.ts";

/** Whether proxies of a namespace may see what the origin exports. */
export function isVisible({ exportTo }: Pick<Origin, "exportTo">, namespace: string): boolean {
  return exportTo.includes("*") || exportTo.includes(namespace);
}

/** How widely it is exported, as a namespace that sees it has it: its own, to some, to all. */
export function reach({ exportTo, namespace }: Origin, viewer: string): number {
  if (exportTo.includes("*")) return 2;
  return namespace === viewer ? 0 : 1;
}
