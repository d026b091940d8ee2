/**
 * Whether a pod that the API server asks about gets a sidecar. The webhook's selectors have judged
 * its labels, and those of its namespace, by Istio's rules.
 */
import { INJECTION, INJECTION_PROBE, PROXY_KIND, REVISION, SIDECAR_INJECT } from "../api/labels.ts";
import type { PodDraft } from "./pod/workload.ts";

export interface InjectionPolicy {
  /** The mesh's name: what `istio.io/rev` says of its pods; `default` stands for it too. */
  readonly revision: string;
  /** Namespaces that never get sidecars: the mesh's own. */
  readonly excludedNamespaces: readonly string[];
}

export interface PodNamespace {
  readonly name: string;
  /** As they are known here, for the reason; `undefined` if they are not. */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

export interface Decision {
  readonly inject: boolean;
  /** For logs, as the end of "because …". */
  readonly reason: string;
}

/** Without them a cluster could not start, whatever their labels say. */
const SYSTEM_NAMESPACES = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/** What Istio takes for a yes; anything else is a no. */
const YES = ["y", "yes", "true", "on"];

const yes = (reason: string): Decision => ({ inject: true, reason });
const no = (reason: string): Decision => ({ inject: false, reason });

/** First what rules a sidecar out, then what the pod says of itself; else it has been chosen. */
export const decide = (pod: PodDraft, namespace: PodNamespace, policy: InjectionPolicy): Decision =>
  probe(pod) ??
  impossible(pod, namespace.name, policy) ??
  declined(pod) ??
  yes(whyChosen(pod, namespace, policy));

/** The operator asks in its own namespace, which is never injected, with a dry run. */
const probe = ({ metadata }: PodDraft): Decision | undefined =>
  metadata.labels?.[INJECTION_PROBE] ? yes("the operator asks whether injection works") : undefined;

function impossible(pod: PodDraft, name: string, policy: InjectionPolicy): Decision | undefined {
  if (pod.spec.hostNetwork) return no("the pod uses the node's network");
  if (pod.spec.os?.name === "windows") return no("the pod is for Windows");
  if ([...SYSTEM_NAMESPACES, ...policy.excludedNamespaces].includes(name))
    return no(`namespace ${name} is never injected`);
  if (pod.metadata.labels?.[PROXY_KIND]) return no("the pod is a proxy itself");
  return undefined;
}

/** The label counts before the older annotation. */
function declined({ metadata }: PodDraft): Decision | undefined {
  const word = metadata.labels?.[SIDECAR_INJECT] ?? metadata.annotations?.[SIDECAR_INJECT];
  return word && !YES.includes(word.toLowerCase())
    ? no(`the pod says ${SIDECAR_INJECT}: ${word}`)
    : undefined;
}

/**
 * Why the API server has asked about the pod. It knows the labels by which it chose; those known
 * here may be older, so they never decide.
 */
function whyChosen(
  { metadata }: PodDraft,
  { labels = {} }: PodNamespace,
  policy: InjectionPolicy,
): string {
  const own = metadata.labels ?? {};
  const isOurs = (revision = ""): boolean => [policy.revision, "default"].includes(revision);
  if (labels[INJECTION] === "enabled") return `the namespace says ${INJECTION}: enabled`;
  if (isOurs(labels[REVISION])) return `the namespace says ${REVISION}: ${labels[REVISION]}`;
  if (isOurs(own[REVISION])) return `the pod says ${REVISION}: ${own[REVISION]}`;
  if (own[SIDECAR_INJECT] === "true") return `the pod says ${SIDECAR_INJECT}: true`;
  return "the webhook's selectors chose it";
}
