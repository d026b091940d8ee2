/**
 * Stories: one directory under `testdata/` tells one, from what a user applies (`in.yaml`) to what
 * proxies get. Documents of kind `View` in it are not objects but proxies that look:
 *
 *     kind: View
 *     metadata: {name: reviews-v1-abc, labels: {app: reviews}}
 *     spec: {kind: sidecar, serviceAccount: reviews}
 */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { MeshConfig } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import type { MeshModel, ModelSettings } from "../model/dataflow.ts";
import { createMeshModel } from "../model/dataflow.ts";
import { lowerMeshSettings } from "../model/istio/mesh-config.ts";
import { applyAll, objects, SETTINGS } from "./fixtures.ts";

const STORIES = join(import.meta.dirname, "../../testdata");

/** A proxy that looks; the fields are those of `ProxyView`. */
export interface Onlooker {
  readonly kind: "sidecar" | "gateway" | "grpc";
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality?: string;
  readonly node?: string;
}

export interface Story {
  readonly name: string;
  readonly directory: string;
  readonly model: MeshModel;
  readonly views: readonly Onlooker[];
}

/** Every story, each with a model of its own. */
export function stories(): readonly Story[] {
  const inputs = globSync(join(STORIES, "*/in.yaml")).sort();
  if (inputs.length === 0)
    throw new Error(`no stories in ${STORIES}: the tests would pass by testing nothing`);
  return inputs.map((file) => {
    const all = objects(readFileSync(file, "utf8"));
    const model = createMeshModel({ ...SETTINGS, ...meshSettings(all) });
    applyAll(
      model,
      all.filter(({ kind }) => kind !== "View" && kind !== "MeshConfig"),
    );
    return {
      name: basename(dirname(file)),
      directory: dirname(file),
      model,
      views: all.filter(({ kind }) => kind === "View").map(onlooker),
    };
  });
}

/** Of the MeshConfig, if the story has one; its faults would be the story's own. */
function meshSettings(all: readonly KubeObject[]): Partial<ModelSettings> {
  const config = all.find(({ kind }) => kind === "MeshConfig") as MeshConfig | undefined;
  if (config === undefined) return {};
  const { settings, diagnostics } = lowerMeshSettings(
    config.spec?.mesh ?? {},
    config.metadata.name,
  );
  if (diagnostics.length > 0) throw new RangeError(JSON.stringify(diagnostics));
  return settings;
}

function onlooker({ metadata, spec }: KubeObject): Onlooker {
  const { namespace = "default", name, labels = {} } = metadata;
  return {
    kind: "sidecar",
    namespace,
    workload: `${namespace}/${name}`,
    serviceAccount: "default",
    labels,
    ...(spec as Partial<Onlooker>),
  };
}
