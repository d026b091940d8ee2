/** What a run of the reconciler found, as the status of the MeshConfig. Pure. */
import { isDeepStrictEqual } from "node:util";
import { isTrue, mergeConditions, type NewCondition } from "../api/conditions.ts";
import type { Deployment } from "../api/gen/kubernetes.ts";
import type { MeshConfigStatus } from "../api/gen/mesh-config.ts";
import type { Live, MeshConfig } from "../api/kinds.ts";
import type { Wait } from "../install/readiness.ts";
import { STAGES, type StageName } from "../install/render.ts";
import { wantedVersion } from "../install/settings.ts";

export interface StageWait extends Wait {
  readonly stage: StageName;
}

export interface Report {
  /** `undefined` when the spec is taken. */
  readonly refusal?: Wait | undefined;
  /** What is not as it should be yet, in the order of the stages. */
  readonly waits: readonly StageWait[];
  /** From here on nothing was looked at. */
  readonly blockedAt?: StageName | undefined;
  /** Of the operator, and of what it installs. */
  readonly version: string;
  readonly trust?: { readonly fingerprint: string; readonly notAfter: Date } | undefined;
  readonly deployments: readonly Live<Deployment>[];
  readonly gateways: NonNullable<MeshConfigStatus["gateways"]>;
}

interface Part {
  readonly type: string;
  readonly stages: readonly StageName[];
  /** Reason of `Ready` while the part is not. */
  readonly notReady: string;
  readonly ok: string;
  readonly words: string;
}

const PARTS: readonly Part[] = [
  {
    type: "CRDsReady",
    stages: ["CRDs"],
    notReady: "CRDsNotReady",
    ok: "Established",
    words: "the Istio API is served",
  },
  {
    type: "ControlPlaneReady",
    stages: ["Namespace", "Trust", "RBAC", "ControlPlane"],
    notReady: "ControlPlaneNotReady",
    ok: "RolledOut",
    words: "the control plane is rolled out and answers",
  },
  {
    type: "InjectorReady",
    stages: ["Injector"],
    notReady: "InjectorNotReady",
    ok: "ProbePassed",
    words: "a trial pod got its sidecar",
  },
  {
    type: "GatewaysReady",
    stages: ["Gateways"],
    notReady: "GatewayNotReady",
    ok: "Programmed",
    words: "every gateway is rolled out and has its address",
  },
];

/** The status after a run; equal to the present one if nothing changed. */
export function statusOf(mesh: MeshConfig, report: Report, now: Date): MeshConfigStatus {
  const previous = mesh.status ?? {};
  const { version, trust } = report;
  const isReady = report.refusal === undefined && report.waits.length === 0;
  const active = isReady ? version : previous.version?.active;
  return {
    observedGeneration: mesh.metadata.generation ?? 0,
    phase: phaseOf(report, previous),
    message: messageOf(report),
    version: {
      desired: wantedVersion(mesh, report),
      operator: version,
      ...(active && { active }),
    },
    components: report.deployments.map(component),
    gateways: report.gateways,
    ...certificates(trust, previous),
    conditions: mergeConditions(previous.conditions ?? [], conditions(mesh, report), now),
  };
}

export const isSameStatus = (a: MeshConfigStatus | undefined, b: MeshConfigStatus): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? {})), JSON.parse(JSON.stringify(b)));

export const wasReady = ({ status }: MeshConfig, type = "Ready"): boolean =>
  isTrue(status?.conditions, type);

function phaseOf(
  { refusal, waits }: Report,
  previous: MeshConfigStatus,
): NonNullable<MeshConfigStatus["phase"]> {
  if (refusal) return refusal.reason === "Conflict" ? "Pending" : "Failed";
  if (waits.some(({ stalled }) => stalled)) return "Failed";
  if (waits.length === 0) return "Ready";
  return previous.version?.active === undefined ? "Installing" : "Degraded";
}

const messageOf = ({ refusal, waits }: Report): string =>
  refusal?.message ?? waits[0]?.message ?? "all of the mesh works";

function certificates(
  trust: Report["trust"],
  previous: MeshConfigStatus,
): Pick<MeshConfigStatus, "certificates"> {
  if (trust === undefined)
    return previous.certificates ? { certificates: previous.certificates } : {};
  const notAfter = `${trust.notAfter.toISOString().slice(0, 19)}Z`;
  return { certificates: { root: { fingerprint: trust.fingerprint, notAfter } } };
}

function component(deployment: Live<Deployment>) {
  const { metadata, spec, status } = deployment;
  const replicas = spec?.replicas ?? 1;
  const readyReplicas = status?.readyReplicas ?? 0;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    ready: readyReplicas >= replicas,
    replicas,
    readyReplicas,
    image: spec?.template.spec?.containers[0]?.image ?? "",
  };
}

function conditions({ metadata }: MeshConfig, report: Report): readonly NewCondition[] {
  const { refusal, waits } = report;
  const generation = { observedGeneration: metadata.generation ?? 0 };
  const accepted = refusal
    ? { status: "False", reason: refusal.reason, message: refusal.message }
    : { status: "True", reason: "Valid", message: "the spec is taken" };
  const stalled = refusal ?? waits.find((wait) => wait.stalled);
  const states: Omit<NewCondition, "observedGeneration">[] = [
    { type: "Accepted", ...(accepted as Pick<NewCondition, "status" | "reason" | "message">) },
    ready(report),
    // A spec that is refused says nothing of what runs.
    ...(refusal ? [] : PARTS.map((part) => partState(part, report))),
  ];
  if (stalled)
    states.push({
      type: "Stalled",
      status: "True",
      reason: stalled.reason,
      message: stalled.message,
    });
  else if (waits.length > 0)
    states.push({
      type: "Reconciling",
      status: "True",
      reason: "Progressing",
      message: messageOf(report),
    });
  return states.map((state) => ({ ...state, ...generation }));
}

function ready(report: Report): Omit<NewCondition, "observedGeneration"> {
  const { refusal, waits } = report;
  const type = "Ready";
  const message = messageOf(report);
  if (refusal) return { type, status: "False", reason: refusal.reason, message };
  const [first] = waits;
  if (first === undefined) return { type, status: "True", reason: "AllReady", message };
  const part = PARTS.find(({ stages }) => stages.includes(first.stage));
  return { type, status: "False", reason: part?.notReady ?? first.reason, message };
}

function partState(
  { type, stages, ok, words }: Part,
  { waits, blockedAt }: Report,
): Omit<NewCondition, "observedGeneration"> {
  const wait = waits.find(({ stage }) => stages.includes(stage));
  if (wait) return { type, status: "False", reason: wait.reason, message: wait.message };
  const last = stages.at(-1);
  if (blockedAt !== undefined && last !== undefined && comesAfter(last, blockedAt))
    return { type, status: "Unknown", reason: "Waiting", message: `comes after ${blockedAt}` };
  return { type, status: "True", reason: ok, message: words };
}

const comesAfter = (stage: StageName, other: StageName): boolean =>
  STAGES.indexOf(stage) > STAGES.indexOf(other);
