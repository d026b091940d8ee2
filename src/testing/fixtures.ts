/** From YAML as users write it to the model, as in the cluster but for the API server. */
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../api/object.ts";
import { objectKey } from "../api/object.ts";
import { createMeshModel, type MeshModel, type ModelSettings } from "../model/dataflow.ts";
import type { Sink } from "../store/sink.ts";

export const SETTINGS: ModelSettings = {
  trustDomain: "cluster.local",
  clusterDomain: "cluster.local",
  outboundTrafficPolicy: "ALLOW_ANY",
  accessLogFile: "",
  rootNamespace: "mesh-system",
};

type SinkName = Exclude<keyof MeshModel["sinks"], "refusedVersions" | "passedTimes">;

const SINKS: Readonly<Record<string, SinkName>> = {
  Service: "services",
  EndpointSlice: "endpointSlices",
  Pod: "pods",
  Node: "nodes",
  Secret: "secrets",
  VirtualService: "virtualServices",
  DestinationRule: "destinationRules",
  Gateway: "gateways",
  ServiceEntry: "serviceEntries",
  WorkloadEntry: "workloadEntries",
  EnvoyFilter: "envoyFilters",
  Sidecar: "sidecars",
};

/** The objects of a stream of YAML documents, in namespace `default` where they name none. */
export function objects(yaml: string): readonly KubeObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const object = document.toJS() as KubeObject | null;
    return object === null ? [] : [inDefaultNamespace(object)];
  });
}

function inDefaultNamespace(object: KubeObject): KubeObject {
  if (object.kind === "Node" || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: "default" } };
}

/**
 * Where the model takes objects of a kind.
 *
 * @throws RangeError if it takes none
 */
export function sinkFor(model: MeshModel, kind: string): Sink<KubeObject> {
  const name = SINKS[kind];
  if (name === undefined) throw new RangeError(`the model has no place for a ${kind}`);
  return model.sinks[name];
}

export function apply(model: MeshModel, yaml: string): void {
  applyAll(model, objects(yaml));
}

/** One batch. */
export function applyAll(model: MeshModel, all: readonly KubeObject[]): void {
  model.engine.batch(() => {
    for (const object of all) sinkFor(model, object.kind).upsert(object);
  });
}

export function remove(model: MeshModel, yaml: string): void {
  model.engine.batch(() => {
    for (const object of objects(yaml)) sinkFor(model, object.kind).remove(objectKey(object));
  });
}

/** A model of a world of objects. */
export function modelOf(yaml: string, settings: Partial<ModelSettings> = {}): MeshModel {
  const model = createMeshModel({ ...SETTINGS, ...settings });
  apply(model, yaml);
  return model;
}
