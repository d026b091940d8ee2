/** What a live object still lacks, in words for the status; `undefined` when nothing. */
import type { Deployment, Pod, Service } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { objectName } from "../api/object.ts";

export interface Wait {
  /** CamelCase, for the condition. */
  readonly reason: string;
  readonly message: string;
  /** Waiting longer will not help: somebody has to do something. */
  readonly stalled?: boolean;
}

/**
 * A rollout is done when the controller has seen the newest template, every replica has it and is
 * available, and none of an older one is left.
 */
export function rolloutWait(deployment: Live<Deployment>): Wait | undefined {
  const { updated, available, wanted, old, begun, stuck } = rollout(deployment);
  const name = objectName(deployment);
  if (!begun) return { reason: "RollingOut", message: `${name}: the rollout has not begun` };
  const words = `${updated} of ${wanted} pods are updated, ${available} available`;
  if (stuck !== undefined)
    return {
      reason: "ProgressDeadlineExceeded",
      message: `${name}: ${words}, and there is no progress: ${stuck}`,
      stalled: true,
    };
  if (updated < wanted || available < wanted || old > 0)
    return { reason: "RollingOut", message: `${name}: ${words}` };
  return undefined;
}

const NO_STATUS = { observedGeneration: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0 };

function rollout({ metadata: { generation = 1 }, spec, status }: Live<Deployment>) {
  const counts = { ...NO_STATUS, ...status };
  return {
    updated: counts.updatedReplicas,
    available: counts.availableReplicas,
    wanted: spec?.replicas ?? 1,
    old: counts.replicas - counts.updatedReplicas,
    begun: counts.observedGeneration >= generation,
    stuck: status?.conditions?.find(
      ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
    )?.message,
  };
}

/** Those of the Service's load balancer; of one that asks for none its own, within the cluster. */
export function addressesOf({ spec = {}, status = {} }: Live<Service>): readonly string[] {
  if (spec.type !== "LoadBalancer")
    return (spec.clusterIPs ?? []).filter((address) => address !== "None");
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
}

export const ADDRESS_PENDING = "AddressPending";

export function addressWait(service: Live<Service>): Wait | undefined {
  if (addressesOf(service).length > 0) return undefined;
  return {
    reason: ADDRESS_PENDING,
    message: `${objectName(service)} waits for the address of its load balancer`,
  };
}

const TROUBLES: Readonly<Record<string, string>> = {
  CrashLoopBackOff: "CrashLoop",
  ErrImagePull: "ImagePull",
  ImagePullBackOff: "ImagePull",
  InvalidImageName: "ImagePull",
  CreateContainerConfigError: "ContainerConfig",
};

interface Trouble {
  readonly reason: string;
  readonly message: string;
}

/** Why pods do not become ready, where one of them says so. */
export function podTrouble(pods: readonly Live<Pod>[]): Trouble | undefined {
  for (const pod of pods) {
    const trouble = unscheduled(pod) ?? waiting(pod);
    if (trouble) return trouble;
  }
  return undefined;
}

function unscheduled(pod: Live<Pod>): Trouble | undefined {
  const condition = pod.status?.conditions?.find(
    ({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable",
  );
  if (condition === undefined) return undefined;
  const message = `${objectName(pod)} cannot be scheduled: ${condition.message ?? ""}`;
  return { reason: "Unschedulable", message };
}

function waiting(pod: Live<Pod>): Trouble | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  for (const { name, state } of [...initContainerStatuses, ...containerStatuses]) {
    const { reason: word = "", message = word } = state?.waiting ?? {};
    const reason = TROUBLES[word];
    if (reason !== undefined)
      return { reason, message: `container ${name} of ${objectName(pod)}: ${message}` };
  }
  return undefined;
}
