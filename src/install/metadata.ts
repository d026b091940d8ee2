import { COMPONENT, MANAGED_BY, MANAGER, MESH } from "../api/labels.ts";
import type { KubeObject, ObjectMeta } from "../api/object.ts";

/** Parts of a mesh, as the label of its objects and pods says. */
export type ComponentName =
  | "namespace"
  | "crds"
  | "trust"
  | "control-plane"
  | "injector"
  | "gateway"
  | "root-certificate";

/** On everything the operator makes: by these it finds it again, and nothing else is ever touched. */
export const ownerLabels = (mesh: string, component: ComponentName): Record<string, string> => ({
  [MANAGED_BY]: MANAGER,
  [MESH]: mesh,
  [COMPONENT]: component,
});

/** Metadata of an object of the mesh; `namespace` stays away where the kind has none. */
export function metadata(
  { mesh, component }: { readonly mesh: string; readonly component: ComponentName },
  meta: Pick<ObjectMeta, "name" | "namespace" | "labels" | "annotations">,
): ObjectMeta {
  return { ...meta, labels: { ...meta.labels, ...ownerLabels(mesh, component) } };
}

/** Whether the operator made it, for whichever mesh. */
export const isManaged = ({ metadata: { labels } }: KubeObject): boolean =>
  labels?.[MANAGED_BY] === MANAGER;

/** Whether the operator made it, for this mesh. */
export const isOwned = (object: KubeObject, mesh: string): boolean =>
  isManaged(object) && object.metadata.labels?.[MESH] === mesh;
