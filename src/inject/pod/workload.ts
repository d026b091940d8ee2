import type { PodSpec } from "../../api/gen/kubernetes.ts";
import { CANONICAL_NAME, CANONICAL_REVISION } from "../../api/labels.ts";
import type { ObjectMeta } from "../../api/object.ts";

/** A pod as admission sees it: not named yet, if a controller makes it. */
export interface PodDraft {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Omit<ObjectMeta, "name"> & {
    readonly name?: string;
    readonly generateName?: string;
  };
  readonly spec: PodSpec;
}

const LABEL_LENGTH = 63;

/** The application that the pod is part of: its own label, else the usual ones, else its owner. */
export function canonicalName(pod: PodDraft): string {
  const { labels = {} } = pod.metadata;
  const name =
    labels[CANONICAL_NAME] ??
    labels["app.kubernetes.io/name"] ??
    labels["app"] ??
    workloadName(pod);
  return name.slice(0, LABEL_LENGTH).replace(/[^A-Za-z0-9]+$/, "");
}

export const canonicalRevision = ({ metadata: { labels = {} } }: PodDraft): string =>
  labels[CANONICAL_REVISION] ??
  labels["app.kubernetes.io/version"] ??
  labels["version"] ??
  "latest";

/** The name of what made the pod: Deployment, CronJob or other owner; else the pod's own. */
function workloadName({ metadata }: PodDraft): string {
  const { name, generateName, labels = {}, ownerReferences = [] } = metadata;
  const owner = ownerReferences.find(({ controller }) => controller);
  const hash = labels["pod-template-hash"];
  if (owner === undefined) return name ?? generateName?.replace(/-$/, "") ?? "";
  if (owner.kind === "ReplicaSet" && hash) return owner.name.replace(`-${hash}`, "");
  // A CronJob's Jobs end with the minute of their schedule.
  return owner.kind === "Job" ? owner.name.replace(/-[0-9]{8,}$/, "") : owner.name;
}
