import type { Origin } from "./origin.ts";

/** Whether proxies of a namespace may see what the origin exports. */
export function isVisible({ exportTo }: Pick<Origin, "exportTo">, namespace: string): boolean {
  return exportTo.includes("*") || exportTo.includes(namespace);
}
