import type { Container, PodSpec } from "../../api/gen/kubernetes.ts";
import { SIDECAR_STATUS } from "../../api/labels.ts";
import { giveBack, type Overrides } from "./overrides.ts";
import type { Originals } from "./probes.ts";
import type { PodDraft } from "./workload.ts";

/** What was added to a pod and replaced in it, kept on it so that it can be undone and done again. */
export interface Status {
  readonly initContainers: readonly string[];
  readonly volumes: readonly string[];
  readonly revision: string;
  /** The probes that were replaced, by container. */
  readonly probes: Readonly<Record<string, Originals>>;
  readonly overrides?: Overrides;
}

/** The pod as it was before a sidecar was added to it; one that has none stays as it is. */
export function removeSidecar(pod: PodDraft): PodDraft {
  const status = readStatus(pod);
  if (status === undefined) return pod;
  const restored = (container: Container): Container => ({
    ...container,
    ...status.probes[container.name],
  });
  const { initContainers = [], containers, volumes = [] } = pod.spec;
  const spec: PodSpec = {
    ...pod.spec,
    initContainers: initContainers
      .filter(({ name }) => !status.initContainers.includes(name))
      .map(restored),
    containers: containers.map(restored),
    volumes: volumes.filter(({ name }) => !status.volumes.includes(name)),
  };
  const { [SIDECAR_STATUS]: _, ...annotations } = pod.metadata.annotations ?? {};
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: giveBack(spec, status.overrides),
  };
}

/** A status that some other injector wrote, or a user, is none of ours. */
function readStatus({ metadata, spec }: PodDraft): Status | undefined {
  const text = metadata.annotations?.[SIDECAR_STATUS];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON, hence not ours: the pod is injected as if the annotation were not there.
    return undefined;
  }
  if (!isStatus(value)) return undefined;
  const names = new Set(spec.initContainers?.map(({ name }) => name));
  return value.initContainers.every((name) => names.has(name)) ? value : undefined;
}

function isStatus(value: unknown): value is Status {
  if (typeof value !== "object" || value === null) return false;
  const { initContainers, volumes, probes } = value as Partial<Record<keyof Status, unknown>>;
  return (
    Array.isArray(initContainers) &&
    Array.isArray(volumes) &&
    typeof probes === "object" &&
    probes !== null
  );
}
