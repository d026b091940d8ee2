/** What the control plane may do: read what it translates, write the roots that proxies trust. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import {
  CACERTS_SECRET,
  CONTROL_PLANE,
  OPERATOR,
  OPERATOR_NAMESPACE,
  ROOT_CONFIG_MAP,
} from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { metadata } from "./metadata.ts";
import { gatewayNamespaces, type Settings } from "./settings.ts";

const READ = ["get", "list", "watch"];
const GROUP = "rbac.authorization.k8s.io";

/** Comes with the operator's manifest. */
const LOOKOUT_ROLE = `${OPERATOR}-lookout`;
const CREDENTIALS_ROLE = `${CONTROL_PLANE}-credentials`;

/** Everywhere. The operator's own role must hold all of it, or it could not grant it. */
const CLUSTER_RULES: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["services", "pods", "namespaces", "nodes"], verbs: READ },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
  {
    apiGroups: [
      "networking.istio.io",
      "security.istio.io",
      "telemetry.istio.io",
      "extensions.istio.io",
    ],
    resources: ["*"],
    verbs: READ,
  },
  {
    apiGroups: ["networking.istio.io"],
    resources: [
      "virtualservices/status",
      "destinationrules/status",
      "gateways/status",
      "serviceentries/status",
      "workloadentries/status",
      "envoyfilters/status",
      "sidecars/status",
    ],
    verbs: ["patch"],
  },
  {
    apiGroups: [""],
    resources: ["configmaps"],
    resourceNames: [ROOT_CONFIG_MAP],
    verbs: [...READ, "create", "patch", "update"],
  },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks"], verbs: ["get"] },
];

const NAMESPACE_RULES: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["secrets"], resourceNames: [CACERTS_SECRET], verbs: READ },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "create", "update"],
  },
];

export function rbac(settings: Settings): readonly KubeObject[] {
  const { mesh, namespace } = settings;
  const owner = { mesh, component: "control-plane" } as const;
  const wide = metadata(owner, { name: `${CONTROL_PLANE}-${mesh}` });
  const local = metadata(owner, { name: CONTROL_PLANE, namespace });
  const subjects = [{ kind: "ServiceAccount", name: CONTROL_PLANE, namespace }];
  const clusterRole: Live<ClusterRole> = {
    apiVersion: `${GROUP}/v1`,
    kind: "ClusterRole",
    metadata: wide,
    rules: CLUSTER_RULES,
  };
  const clusterRoleBinding: Live<ClusterRoleBinding> = {
    apiVersion: `${GROUP}/v1`,
    kind: "ClusterRoleBinding",
    metadata: wide,
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: wide.name },
    subjects,
  };
  const role: Live<Role> = {
    apiVersion: `${GROUP}/v1`,
    kind: "Role",
    metadata: local,
    rules: NAMESPACE_RULES,
  };
  const roleBinding: Live<RoleBinding> = {
    apiVersion: `${GROUP}/v1`,
    kind: "RoleBinding",
    metadata: local,
    roleRef: { apiGroup: GROUP, kind: "Role", name: local.name },
    subjects,
  };
  return [
    clusterRole,
    clusterRoleBinding,
    role,
    roleBinding,
    lookout(settings),
    credentials(settings, namespace),
  ];
}

/** For gateways elsewhere: their namespaces may be missing, which must not keep the mesh. */
export const gatewayRbac = (settings: Settings): readonly KubeObject[] =>
  gatewayNamespaces(settings)
    .filter((where) => where !== settings.namespace)
    .map((where) => credentials(settings, where));

/** Lets the control plane read the certificates of gateway servers, and no Secret elsewhere. */
const credentials = (
  { mesh, namespace: home }: Settings,
  namespace: string,
): Live<RoleBinding> => ({
  apiVersion: `${GROUP}/v1`,
  kind: "RoleBinding",
  metadata: metadata({ mesh, component: "gateway" }, { name: CREDENTIALS_ROLE, namespace }),
  roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: CREDENTIALS_ROLE },
  subjects: [{ kind: "ServiceAccount", name: CONTROL_PLANE, namespace: home }],
});

/** What lets the operator see, before it removes the namespace, whether users keep something there. */
const lookout = ({ mesh, namespace }: Settings): Live<RoleBinding> => ({
  apiVersion: `${GROUP}/v1`,
  kind: "RoleBinding",
  metadata: metadata({ mesh, component: "namespace" }, { name: OPERATOR, namespace }),
  roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: LOOKOUT_ROLE },
  subjects: [{ kind: "ServiceAccount", name: OPERATOR, namespace: OPERATOR_NAMESPACE }],
});
