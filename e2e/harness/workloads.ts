/** Pods and Deployments, and waiting for them. */
import type { KubeObject } from "../../src/api/object.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { waitFor } from "./wait.ts";

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: Readonly<
    Record<string, { readonly reason?: string; readonly exitCode?: number }>
  >;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
}

export type Pod = KubeObject<
  {
    readonly nodeName?: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  },
  {
    readonly phase: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  }
>;

type Deployment = KubeObject<
  { readonly replicas: number },
  {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly replicas?: number;
  }
>;

export function pods(
  cluster: Cluster,
  namespace: string,
  labelSelector = "",
): Promise<readonly Pod[]> {
  const query = new URLSearchParams({ labelSelector });
  return cluster.api.list<Pod>(`/api/v1/namespaces/${namespace}/pods?${query.toString()}`);
}

/** Those that are not on their way out. */
export async function livingPods(
  cluster: Cluster,
  namespace: string,
  labelSelector = "",
): Promise<readonly Pod[]> {
  const all = await pods(cluster, namespace, labelSelector);
  return all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** The one pod with these labels that is not on its way out. */
export async function onePod(
  cluster: Cluster,
  namespace: string,
  labelSelector: string,
): Promise<Pod> {
  const living = await livingPods(cluster, namespace, labelSelector);
  const [pod, ...others] = living;
  if (pod === undefined || others.length > 0)
    throw new Error(
      `${living.length} pods with ${labelSelector} in ${namespace}, where one is wanted`,
    );
  return pod;
}

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ??
  false;

/** Whether what is wanted now runs, all of it and nothing else (as `kubectl rollout status`). */
export function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    status?.observedGeneration === metadata.generation &&
    status?.updatedReplicas === wanted &&
    status?.replicas === wanted &&
    status?.availableReplicas === wanted
  );
}

/** Waits until every Deployment of a namespace is rolled out. */
export async function rolledOut(
  cluster: Cluster,
  namespace: string,
  deadlineMs = 90_000,
): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  await waitFor(
    {
      description: `complete rollout of the Deployments in ${namespace}`,
      deadlineMs,
      intervalMs: 250,
      diagnose: () => diagnose(cluster, [namespace]),
    },
    async () => {
      const deployments = await cluster.api.list<Deployment>(path);
      const waiting = deployments.filter((deployment) => !isRolledOut(deployment));
      if (waiting.length > 0)
        throw new Error(
          `still waiting for ${waiting.map(({ metadata }) => metadata.name).join(", ")}`,
        );
      return deployments.length > 0;
    },
  );
}
