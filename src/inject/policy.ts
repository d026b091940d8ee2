/** Whether a pod gets a sidecar: by Istio's rules, so that labels in use go on working. */
import { INJECTION, INJECTION_PROBE, PROXY_KIND, REVISION, SIDECAR_INJECT } from "../api/labels.ts";
import type { PodDraft } from "./pod/workload.ts";

export interface InjectionPolicy {
  /** The mesh's name: what `istio.io/rev` must say; `default` stands for it too. */
  readonly revision: string;
  /** Namespaces that never get sidecars: the mesh's own. */
  readonly excludedNamespaces: readonly string[];
}

export interface PodNamespace {
  readonly name: string;
  /** `undefined` if not known yet: the API server has chosen by the webhook's selectors. */
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

/** First what rules a sidecar out, then what the pod says of itself, then what asks for one. */
export const decide = (pod: PodDraft, namespace: PodNamespace, policy: InjectionPolicy): Decision =>
  probe(pod) ??
  impossible(pod, namespace.name, policy) ??
  declined(pod) ??
  selected(pod, namespace, policy);

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

/** What the selectors of Istio's webhooks amount to: the namespace's labels before the pod's. */
function selected(pod: PodDraft, { labels }: PodNamespace, policy: InjectionPolicy): Decision {
  if (labels === undefined) return yes("the webhook's selectors chose it");
  const injection = labels[INJECTION];
  if (injection !== undefined) {
    const reason = `the namespace says ${INJECTION}: ${injection}`;
    return injection === "enabled" ? yes(reason) : no(reason);
  }
  const own = pod.metadata.labels ?? {};
  for (const [who, revision] of [
    ["namespace", labels[REVISION]],
    ["pod", own[REVISION]],
  ] as const) {
    if (revision === undefined) continue;
    const reason = `the ${who} says ${REVISION}: ${revision}`;
    return [policy.revision, "default"].includes(revision) ? yes(reason) : no(reason);
  }
  return own[SIDECAR_INJECT] === "true"
    ? yes(`the pod says ${SIDECAR_INJECT}: true`)
    : no("neither the namespace nor the pod asks for a sidecar");
}
