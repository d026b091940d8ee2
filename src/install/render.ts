import type { Namespace, Secret } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { CACERTS_SECRET } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { contentHash } from "../util/hash.ts";
import { controlPlane, controlPlaneConfig } from "./control-plane.ts";
import { gateways } from "./gateways.ts";
import { metadata, ownerLabels } from "./metadata.ts";
import { gatewayRbac, rbac } from "./rbac.ts";
import type { Settings } from "./settings.ts";
import { injectionWebhook } from "./webhook.ts";

/** In the order of an install; removal goes the other way, but for the webhook, which goes first. */
export const STAGES = [
  "Namespace",
  "CRDs",
  "Trust",
  "RBAC",
  "ControlPlane",
  "Injector",
  "Gateways",
] as const;

export type StageName = (typeof STAGES)[number];

export interface Stage {
  readonly name: StageName;
  readonly objects: readonly KubeObject[];
}

/** What rendering needs to know besides the settings: facts, read from the cluster or the image. */
export interface Facts {
  /** Whether the control plane's namespace is ours to keep, or somebody else's that we live in. */
  readonly ownsNamespace: boolean;
  readonly crds: readonly KubeObject[];
  /** Files of the CA; `undefined` data where `cacerts` is the user's own and stays untouched. */
  readonly trust: {
    readonly data: Readonly<Record<string, string>> | undefined;
    readonly rootsPem: string;
  };
  readonly injectionWorks: boolean;
}

/** Every object of the mesh, stage by stage. */
export function render(settings: Settings, facts: Facts): readonly Stage[] {
  const { trust, crds, ownsNamespace, injectionWorks } = facts;
  const failurePolicy = injectionWorks ? settings.failurePolicy : "Ignore";
  const rollout = contentHash(controlPlaneConfig(settings));
  return [
    { name: "Namespace", objects: ownsNamespace ? [namespace(settings)] : [] },
    { name: "CRDs", objects: crds.map((crd) => definition(crd, settings)) },
    { name: "Trust", objects: trust.data ? [cacerts(settings, trust.data)] : [] },
    { name: "RBAC", objects: rbac(settings) },
    { name: "ControlPlane", objects: controlPlane(settings, rollout) },
    {
      name: "Injector",
      objects: [injectionWebhook(settings, { caBundlePem: trust.rootsPem, failurePolicy })],
    },
    { name: "Gateways", objects: [...gatewayRbac(settings), ...gateways(settings)] },
  ];
}

const namespace = ({ mesh, namespace: name }: Settings): Live<Namespace> => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: metadata(
    { mesh, component: "namespace" },
    { name, labels: { "pod-security.kubernetes.io/enforce": "baseline" } },
  ),
});

const definition = (crd: KubeObject, { mesh }: Settings): KubeObject => ({
  ...crd,
  metadata: {
    ...crd.metadata,
    labels: { ...crd.metadata.labels, ...ownerLabels(mesh, "crds") },
  },
});

const cacerts = (
  { mesh, namespace: home }: Settings,
  data: Readonly<Record<string, string>>,
): Live<Secret> => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: metadata({ mesh, component: "trust" }, { name: CACERTS_SECRET, namespace: home }),
  type: "Opaque",
  data: base64(data),
});

export const base64 = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  );
