/** Every kind that some part of the mesh reads or writes, and how the API addresses it. */
import type { AuthorizationPolicySpec } from "./gen/authorization-policy.ts";
import type { DestinationRuleSpec } from "./gen/destination-rule.ts";
import type { EnvoyFilterSpec } from "./gen/envoy-filter.ts";
import type { GatewaySpec } from "./gen/gateway.ts";
import type * as k8s from "./gen/kubernetes.ts";
import type { MeshConfigSpec, MeshConfigStatus } from "./gen/mesh-config.ts";
import type { PeerAuthenticationSpec } from "./gen/peer-authentication.ts";
import type { ProxyConfigSpec } from "./gen/proxy-config.ts";
import type { RequestAuthenticationSpec } from "./gen/request-authentication.ts";
import type { ServiceEntrySpec, ServiceEntryStatus } from "./gen/service-entry.ts";
import type { SidecarSpec } from "./gen/sidecar.ts";
import type { TelemetrySpec } from "./gen/telemetry.ts";
import type { VirtualServiceSpec } from "./gen/virtual-service.ts";
import type { WasmPluginSpec } from "./gen/wasm-plugin.ts";
import type { WorkloadEntrySpec, WorkloadEntryStatus } from "./gen/workload-entry.ts";
import type { WorkloadGroupSpec } from "./gen/workload-group.ts";
import type { KubeObject } from "./object.ts";

/** An object as the API server gives it: what its schema calls optional there is always present. */
export type Live<T> = Omit<T, "apiVersion" | "kind" | "metadata"> &
  Pick<KubeObject, "apiVersion" | "kind" | "metadata">;

export type ServiceEntry = KubeObject<ServiceEntrySpec, ServiceEntryStatus & AllocatedAddresses>;
export type WorkloadEntry = KubeObject<WorkloadEntrySpec, WorkloadEntryStatus>;

/** The schema leaves it open: addresses that were given to hosts of a ServiceEntry without any. */
export interface AllocatedAddresses {
  readonly addresses?: readonly { readonly value?: string; readonly host?: string }[];
}

export type MeshConfig = KubeObject<MeshConfigSpec, MeshConfigStatus>;

export interface Kind<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it ties the kind to the type of its objects. */
  readonly objects?: () => T;
}

function namespaced<T extends KubeObject = KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
): Kind<T> {
  return { ...groupVersion(apiVersion), kind, plural, namespaced: true };
}

function cluster<T extends KubeObject = KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
): Kind<T> {
  return { ...groupVersion(apiVersion), kind, plural, namespaced: false };
}

function groupVersion(apiVersion: string): Pick<Kind, "group" | "version"> {
  const [group, version] = apiVersion.split("/");
  return version === undefined
    ? { group: "", version: group ?? "" }
    : { group: group ?? "", version };
}

export const apiVersionOf = ({ group, version }: Kind): string =>
  group === "" ? version : `${group}/${version}`;

const NETWORKING = "networking.istio.io/v1";
const SECURITY = "security.istio.io/v1";
const RBAC = "rbac.authorization.k8s.io/v1";

export const KINDS = {
  configMap: namespaced<Live<k8s.ConfigMap>>("v1", "ConfigMap", "configmaps"),
  event: namespaced<Live<k8s.Event>>("v1", "Event", "events"),
  namespace: cluster<Live<k8s.Namespace>>("v1", "Namespace", "namespaces"),
  node: cluster<Live<k8s.Node>>("v1", "Node", "nodes"),
  pod: namespaced<Live<k8s.Pod>>("v1", "Pod", "pods"),
  secret: namespaced<Live<k8s.Secret>>("v1", "Secret", "secrets"),
  service: namespaced<Live<k8s.Service>>("v1", "Service", "services"),
  serviceAccount: namespaced<Live<k8s.ServiceAccount>>("v1", "ServiceAccount", "serviceaccounts"),

  deployment: namespaced<Live<k8s.Deployment>>("apps/v1", "Deployment", "deployments"),
  endpointSlice: namespaced<Live<k8s.EndpointSlice>>(
    "discovery.k8s.io/v1",
    "EndpointSlice",
    "endpointslices",
  ),
  lease: namespaced<Live<k8s.Lease>>("coordination.k8s.io/v1", "Lease", "leases"),
  podDisruptionBudget: namespaced<Live<k8s.PodDisruptionBudget>>(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
  ),
  role: namespaced<Live<k8s.Role>>(RBAC, "Role", "roles"),
  roleBinding: namespaced<Live<k8s.RoleBinding>>(RBAC, "RoleBinding", "rolebindings"),
  clusterRole: cluster<Live<k8s.ClusterRole>>(RBAC, "ClusterRole", "clusterroles"),
  clusterRoleBinding: cluster<Live<k8s.ClusterRoleBinding>>(
    RBAC,
    "ClusterRoleBinding",
    "clusterrolebindings",
  ),
  customResourceDefinition: cluster(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
  ),
  mutatingWebhookConfiguration: cluster<Live<k8s.MutatingWebhookConfiguration>>(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),

  destinationRule: namespaced<KubeObject<DestinationRuleSpec>>(
    NETWORKING,
    "DestinationRule",
    "destinationrules",
  ),
  envoyFilter: namespaced<KubeObject<EnvoyFilterSpec>>(
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    "envoyfilters",
  ),
  gateway: namespaced<KubeObject<GatewaySpec>>(NETWORKING, "Gateway", "gateways"),
  proxyConfig: namespaced<KubeObject<ProxyConfigSpec>>(
    "networking.istio.io/v1beta1",
    "ProxyConfig",
    "proxyconfigs",
  ),
  serviceEntry: namespaced<ServiceEntry>(NETWORKING, "ServiceEntry", "serviceentries"),
  sidecar: namespaced<KubeObject<SidecarSpec>>(NETWORKING, "Sidecar", "sidecars"),
  virtualService: namespaced<KubeObject<VirtualServiceSpec>>(
    NETWORKING,
    "VirtualService",
    "virtualservices",
  ),
  workloadEntry: namespaced<WorkloadEntry>(NETWORKING, "WorkloadEntry", "workloadentries"),
  workloadGroup: namespaced<KubeObject<WorkloadGroupSpec>>(
    NETWORKING,
    "WorkloadGroup",
    "workloadgroups",
  ),
  authorizationPolicy: namespaced<KubeObject<AuthorizationPolicySpec>>(
    SECURITY,
    "AuthorizationPolicy",
    "authorizationpolicies",
  ),
  peerAuthentication: namespaced<KubeObject<PeerAuthenticationSpec>>(
    SECURITY,
    "PeerAuthentication",
    "peerauthentications",
  ),
  requestAuthentication: namespaced<KubeObject<RequestAuthenticationSpec>>(
    SECURITY,
    "RequestAuthentication",
    "requestauthentications",
  ),
  telemetry: namespaced<KubeObject<TelemetrySpec>>(
    "telemetry.istio.io/v1",
    "Telemetry",
    "telemetries",
  ),
  wasmPlugin: namespaced<KubeObject<WasmPluginSpec>>(
    "extensions.istio.io/v1alpha1",
    "WasmPlugin",
    "wasmplugins",
  ),

  meshConfig: cluster<MeshConfig>("meshwright.dev/v1alpha1", "MeshConfig", "meshconfigs"),
} as const;

/** The kinds of Istio's API that have an effect, and a status of ours. */
export const FOLLOWED_KINDS: readonly Kind[] = [
  KINDS.destinationRule,
  KINDS.envoyFilter,
  KINDS.gateway,
  KINDS.serviceEntry,
  KINDS.sidecar,
  KINDS.virtualService,
  KINDS.workloadEntry,
];

const byName: ReadonlyMap<string, Kind> = new Map(
  Object.values(KINDS).map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]),
);

/** @throws RangeError if the object is of a kind that no part of the mesh handles: a bug of ours */
export function kindOf({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): Kind {
  const known = byName.get(`${apiVersion} ${kind}`);
  if (known === undefined) throw new RangeError(`no row in KINDS for ${apiVersion} ${kind}`);
  return known;
}

interface DefinitionSpec {
  readonly group: string;
  readonly scope: string;
  readonly names: { readonly kind: string; readonly plural: string };
  readonly versions: readonly { readonly name: string; readonly storage: boolean }[];
}

/** What a CustomResourceDefinition defines, in the version that is stored. */
export function definedKind({ spec }: KubeObject): Kind {
  const { group, scope, names, versions } = spec as DefinitionSpec;
  return {
    group,
    version: versions.find(({ storage }) => storage)?.name ?? "",
    kind: names.kind,
    plural: names.plural,
    namespaced: scope === "Namespaced",
  };
}

/** The path of a kind's objects below the API server's root, e.g. `/apis/apps/v1/deployments`. */
export function pathOf(kind: Kind, namespace?: string): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersionOf(kind)}`;
  const scope =
    kind.namespaced && namespace !== undefined
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : "";
  return `${root}${scope}/${kind.plural}`;
}
