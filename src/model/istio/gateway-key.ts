/** All sidecars, where a VirtualService names gateways. */
export const MESH_GATEWAY = "mesh";

/** `namespace/name` of a gateway as a VirtualService names it, or `mesh`. */
export function gatewayKey(text: string, namespace: string): string {
  if (text === MESH_GATEWAY || (text.includes("/") && !text.startsWith("./"))) return text;
  return `${namespace}/${text.replace(/^\.\//, "")}`;
}
