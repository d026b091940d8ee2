/** Random meshes, as the proxies in them see them. */
import fc from "fast-check";
import { createMeshModel } from "../model/dataflow.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import type { ProxyView } from "../xds/view.ts";
import { type Configuration, configurationOf } from "./configuration.ts";
import { anyObject } from "./edits.ts";
import { applyAll, SETTINGS } from "./fixtures.ts";

export interface Seen {
  readonly mesh: Mesh;
  readonly view: ProxyView;
  readonly configuration: Configuration;
}

const SIDECAR: ProxyView = {
  kind: "sidecar",
  namespace: "one",
  workload: "one/web-0",
  serviceAccount: "web",
  labels: { app: "web", version: "v1" },
};
const GATEWAY: ProxyView = {
  kind: "gateway",
  namespace: "one",
  workload: "one/web-1",
  serviceAccount: "gateway",
  labels: { istio: "gateway", app: "gateway" },
};

/** A mesh of many objects with few names, seen by a sidecar, another namespace's, and a gateway. */
export const randomWorld: fc.Arbitrary<readonly Seen[]> = fc
  .array(anyObject, { minLength: 10, maxLength: 60 })
  .map((objects) => {
    const model = createMeshModel(SETTINGS);
    applyAll(model, objects);
    const mesh = model.mesh(model.engine);
    return [SIDECAR, { ...SIDECAR, namespace: "two", workload: "two/web-0" }, GATEWAY].map(
      (view) => ({ mesh, view, configuration: configurationOf(mesh, view) }),
    );
  });
