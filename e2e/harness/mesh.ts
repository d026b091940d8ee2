/** The mesh: installed as the README says, and removed. */

import { OPERATOR_NAMESPACE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { waitFor } from "./wait.ts";
import { rolledOut } from "./workloads.ts";

export const OPERATOR_MANIFEST = "manifests/operator.yaml";
/** What is installed: the caller's own choice by the variable MESH, for a cluster that needs other settings. */
export const MESH_MANIFEST = process.env["MESH"] || "manifests/samples/mesh.yaml";
export const MESH_NAME = "default";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export type MeshConfig = KubeObject<
  unknown,
  {
    readonly observedGeneration?: number;
    readonly phase?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
  }
>;

export const meshPath = (name: string = MESH_NAME): string =>
  `/apis/meshwright.dev/v1alpha1/meshconfigs/${name}`;

export const condition = (mesh: MeshConfig, type: string): Condition | undefined =>
  mesh.status?.conditions?.find((one) => one.type === type);

/** Whether the status speaks of the spec as it is now and says that all of it works. */
export const isMeshReady = (mesh: MeshConfig): boolean =>
  mesh.status?.observedGeneration === mesh.metadata.generation &&
  condition(mesh, "Ready")?.status === "True" &&
  condition(mesh, "Reconciling") === undefined;

export async function installOperator(cluster: Cluster): Promise<void> {
  await cluster.kubectl.apply(OPERATOR_MANIFEST);
  await waitFor(
    { description: "kind MeshConfig in the API", deadlineMs: 30_000 },
    async () => (await cluster.api.get("/apis/meshwright.dev/v1alpha1/meshconfigs")) !== undefined,
  );
  await rolledOut(cluster, OPERATOR_NAMESPACE);
}

/** @param tell hears what the mesh waits for, each time that changes */
export async function meshReady(
  cluster: Cluster,
  deadlineMs = 120_000,
  tell: (message: string) => void = () => undefined,
): Promise<MeshConfig> {
  let told = "";
  return waitFor(
    {
      description: `MeshConfig ${MESH_NAME} with Ready=True`,
      deadlineMs,
      intervalMs: 250,
      diagnose: () => diagnose(cluster),
    },
    async () => {
      const mesh = await cluster.api.get<MeshConfig>(meshPath());
      if (mesh === undefined) throw new Error("there is no such MeshConfig");
      if (isMeshReady(mesh)) return mesh;
      const message = condition(mesh, "Ready")?.message ?? "no status yet";
      if (message !== told) tell(message);
      told = message;
      throw new Error(message);
    },
  );
}

/** Operator and mesh, from nothing or from wherever an earlier run left it. */
export async function installMesh(cluster: Cluster): Promise<MeshConfig> {
  await installOperator(cluster);
  await cluster.kubectl.apply(MESH_MANIFEST);
  return meshReady(cluster);
}

/** Deletes the MeshConfig and waits until its finalizer has let go. */
export async function removeMesh(cluster: Cluster, deadlineMs = 90_000): Promise<void> {
  await cluster.kubectl.run([
    "delete",
    "meshconfig",
    MESH_NAME,
    "--ignore-not-found",
    "--wait=false",
  ]);
  await waitFor(
    {
      description: `end of MeshConfig ${MESH_NAME}`,
      deadlineMs,
      intervalMs: 250,
      diagnose: () => diagnose(cluster),
    },
    async () => (await cluster.api.get(meshPath())) === undefined,
  );
}
