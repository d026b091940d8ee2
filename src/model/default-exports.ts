/** To whom objects are exported that do not say it themselves. */

import { EXPORT_TO } from "../api/labels.ts";
import type { KubeObject } from "../api/object.ts";
import type { MeshTraffic } from "./ir/mesh-traffic.ts";

export type DefaultExports = NonNullable<MeshTraffic["exportTo"]>;

/** Of an object that says it in its spec. */
export function exportedBySpec<O extends KubeObject<{ readonly exportTo?: readonly string[] }>>(
  object: O,
  to: readonly string[] | undefined,
): O {
  if (to === undefined || (object.spec?.exportTo ?? []).length > 0) return object;
  return { ...object, spec: { ...object.spec, exportTo: to } };
}

/** Of a Service, which says it in an annotation. */
export function exportedByAnnotation<O extends KubeObject>(
  object: O,
  to: readonly string[] | undefined,
): O {
  const { annotations } = object.metadata;
  if (to === undefined || annotations?.[EXPORT_TO]) return object;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [EXPORT_TO]: to.join(",") } },
  };
}
