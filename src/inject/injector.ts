import { MeshError } from "../util/errors.ts";
import { type AdmissionRequest, type AdmissionResponse, podPatch } from "./admission.ts";
import { injectGrpcAgent } from "./pod/grpc-agent.ts";
import { injectSidecar, type SidecarOptions } from "./pod/sidecar.ts";
import { templateOf } from "./pod/templates.ts";
import type { PodDraft } from "./pod/workload.ts";
import { decide, type InjectionPolicy } from "./policy.ts";

export interface InjectorOptions {
  readonly sidecar: SidecarOptions;
  readonly policy: InjectionPolicy;
  /** Labels of a namespace, as far as they are known here: for the reason that is logged. */
  readonly namespaceLabels: (name: string) => Readonly<Record<string, string>> | undefined;
  /** Sees to it that the namespace has the roots that its pods mount. */
  readonly ensureTrust: (namespace: string, signal: AbortSignal) => Promise<void>;
  readonly log: (level: "info" | "warn" | "error", message: string) => void;
}

/**
 * Answers the API server about one pod. It never throws: what goes wrong is in the answer, for
 * whoever wanted the pod, and in the log.
 */
export async function admit(
  request: AdmissionRequest,
  options: InjectorOptions,
  signal: AbortSignal,
): Promise<AdmissionResponse> {
  const { uid } = request;
  const name = podName(request);
  try {
    return { uid, allowed: true, ...(await patched(request, name, { options, signal })) };
  } catch (error) {
    const { code, message } = refusal(error, name);
    options.log(code < 500 ? "warn" : "error", `refused ${name}: ${message}`);
    return { uid, allowed: false, status: { code, message } };
  }
}

async function patched(
  request: AdmissionRequest,
  name: string,
  { options, signal }: { readonly options: InjectorOptions; readonly signal: AbortSignal },
): Promise<Partial<AdmissionResponse>> {
  const pod = parsePod(request, name);
  const namespace = request.namespace ?? pod.metadata.namespace ?? "default";
  const decision = decide(
    pod,
    { name: namespace, labels: options.namespaceLabels(namespace) },
    options.policy,
  );
  if (!decision.inject) {
    options.log("info", `left ${name} alone, because ${decision.reason}`);
    return {};
  }
  const inject = templateOf(pod, name) === "grpc-agent" ? injectGrpcAgent : injectSidecar;
  const { pod: injected, warnings } = inject(pod, options.sidecar, name);
  if (!request.dryRun) await trust(namespace, options, signal);
  options.log("info", `injected ${name}, because ${decision.reason}`);
  return {
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(podPatch(pod, injected))).toString("base64"),
    ...(warnings.length > 0 && { warnings }),
  };
}

/** The pod is not refused for want of roots: kubelet waits for them, and they are tried again. */
async function trust(
  namespace: string,
  { ensureTrust, log }: InjectorOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await ensureTrust(namespace, signal);
  } catch (error) {
    log("warn", `namespace ${namespace} has no roots yet: ${String(error)}`);
  }
}

function podName({ namespace, object }: AdmissionRequest): string {
  const { metadata } = (object ?? {}) as Partial<PodDraft>;
  const name = metadata?.name ?? (metadata?.generateName && `${metadata.generateName}*`) ?? "";
  return `Pod ${namespace ?? metadata?.namespace ?? "default"}/${name}`;
}

function parsePod({ kind, object }: AdmissionRequest, name: string): PodDraft {
  const pod = object as Partial<PodDraft> | null;
  if (kind.kind !== "Pod" || !pod?.metadata || !Array.isArray(pod.spec?.containers))
    throw new MeshError("MESH0602", `${name}: the webhook was asked about a ${kind.kind}`, {
      hint: "its rules must name pods only, of version v1: restore the MutatingWebhookConfiguration, or let the operator do it",
    });
  return pod as PodDraft;
}

function refusal(error: unknown, name: string): { code: number; message: string } {
  if (error instanceof MeshError)
    return { code: 400, message: `${error.message} (${error.code}): ${error.hint}` };
  return { code: 500, message: `${name} could not be injected: ${String(error)}` };
}
