/** Which pods the API server asks the injector about: exactly those that Istio's labels name. */
import type {
  LabelSelector,
  LabelSelectorRequirement,
  MutatingWebhook,
  MutatingWebhookConfiguration,
} from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { INJECTION, INJECTION_PROBE, REVISION, SIDECAR_INJECT } from "../api/labels.ts";
import { CONTROL_PLANE, OPERATOR_NAMESPACE } from "../api/names.ts";
import { metadata } from "./metadata.ts";
import type { Settings } from "./settings.ts";

/** On the pod by which the operator asks whether injection works; it is never created. */
export const PROBE_VALUE = "injection";

const NAMESPACE_NAME = "kubernetes.io/metadata.name";
const SYSTEM_NAMESPACES = ["kube-system", "kube-public", "kube-node-lease"];

export interface WebhookTrust {
  readonly caBundlePem: string;
  /** `Ignore` as long as nobody has seen the injector work: a cluster must not be locked out. */
  readonly failurePolicy: "Fail" | "Ignore";
}

export const webhookName = (mesh: string): string => `meshwright-${mesh}`;

export function injectionWebhook(
  settings: Settings,
  trust: WebhookTrust,
): Live<MutatingWebhookConfiguration> {
  const { mesh } = settings;
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: metadata({ mesh, component: "injector" }, { name: webhookName(mesh) }),
    webhooks: [
      ...selections(settings).map(({ name, namespace, pod }) =>
        webhook(settings, trust, {
          name: `${name}.injector.meshwright.dev`,
          namespaceSelector: {
            matchExpressions: [...namespace, not(NAMESPACE_NAME, ...excluded(settings))],
          },
          objectSelector: { matchExpressions: pod },
        }),
      ),
      webhook(
        settings,
        { ...trust, failurePolicy: "Fail" },
        {
          name: "probe.injector.meshwright.dev",
          namespaceSelector: { matchExpressions: [oneOf(NAMESPACE_NAME, OPERATOR_NAMESPACE)] },
          objectSelector: { matchLabels: { [INJECTION_PROBE]: PROBE_VALUE } },
        },
      ),
    ],
  };
}

/** A webhook that could refuse the pods it needs itself would never come back. */
const excluded = ({ namespace }: Settings): string[] =>
  [...new Set([...SYSTEM_NAMESPACES, OPERATOR_NAMESPACE, namespace])].sort();

interface Selection {
  readonly name: string;
  readonly namespace: readonly LabelSelectorRequirement[];
  readonly pod: readonly LabelSelectorRequirement[];
}

/** Istio's four: by revision or by injection, said by the namespace or by the pod. */
function selections({ mesh }: Settings): readonly Selection[] {
  const revision = oneOf(REVISION, ...new Set([mesh, "default"]));
  const notDeclined = not(SIDECAR_INJECT, "false");
  return [
    { name: "rev.namespace", namespace: [revision, absent(INJECTION)], pod: [notDeclined] },
    {
      name: "rev.object",
      namespace: [absent(REVISION), absent(INJECTION)],
      pod: [notDeclined, revision],
    },
    { name: "namespace", namespace: [oneOf(INJECTION, "enabled")], pod: [notDeclined] },
    {
      name: "object",
      namespace: [absent(INJECTION), absent(REVISION)],
      pod: [oneOf(SIDECAR_INJECT, "true"), absent(REVISION)],
    },
  ];
}

function webhook(
  { namespace }: Settings,
  { caBundlePem, failurePolicy }: WebhookTrust,
  selectors: {
    readonly name: string;
    readonly namespaceSelector: LabelSelector;
    readonly objectSelector: LabelSelector;
  },
): MutatingWebhook {
  return {
    ...selectors,
    admissionReviewVersions: ["v1"],
    clientConfig: {
      service: { name: CONTROL_PLANE, namespace, path: "/inject", port: 443 },
      caBundle: Buffer.from(caBundlePem).toString("base64"),
    },
    rules: [
      {
        operations: ["CREATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods"],
        scope: "Namespaced",
      },
    ],
    failurePolicy,
    matchPolicy: "Equivalent",
    reinvocationPolicy: "IfNeeded",
    // A dry run gets the sidecar too, and writes nothing.
    sideEffects: "NoneOnDryRun",
    timeoutSeconds: 10,
  };
}

const oneOf = (key: string, ...values: readonly string[]): LabelSelectorRequirement => ({
  key,
  operator: "In",
  values,
});
const not = (key: string, ...values: readonly string[]): LabelSelectorRequirement => ({
  key,
  operator: "NotIn",
  values,
});
const absent = (key: string): LabelSelectorRequirement => ({ key, operator: "DoesNotExist" });
