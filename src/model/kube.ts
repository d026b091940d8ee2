/** Lowering of Kubernetes' own objects: each is trimmed to what the mesh needs of it. */
import { Report } from "../api/codes.ts";
import type { Lowered } from "../api/diagnostic.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import {
  EXPORT_TO,
  PROXY_KIND,
  SERVICE_NAME,
  TLS_MODE,
  TRAFFIC_DISTRIBUTION,
} from "../api/labels.ts";
import { type Locality, nodeLocality, podLocality } from "../api/locality.ts";
import { type ObjectMeta, objectKey, objectName } from "../api/object.ts";
import { defined, filled } from "../util/defined.ts";
import { ownValue } from "../util/own-value.ts";
import { serviceHost } from "./host.ts";
import type { Endpoint, Service } from "./ir/service.ts";
import { type Origin, originOf } from "./origin.ts";
import { portProtocol } from "./port-protocol.ts";

type Labels = Readonly<Record<string, string>>;

/** A Service, with what only the matching of pods and slices needs. */
export interface KubeService extends Origin {
  readonly service: Service;
  /** Absent where somebody else writes the endpoints. */
  readonly selector?: Labels;
  /** By service port number: the workload's port or its name there. */
  readonly targetPorts: Readonly<Record<number, number | string>>;
  /** The family clients use; a pod's addresses of the other family are not endpoints again. */
  readonly family?: string;
  readonly externalName?: string;
  readonly uid?: string;
}

export function lowerService(
  object: Live<kube.Service>,
  clusterDomain: string,
): Lowered<KubeService> {
  const report = new Report(objectName(object));
  const spec = object.spec ?? {};
  const exportTo = filled(object.metadata.annotations?.[EXPORT_TO])
    ?.split(",")
    .map((to) => to.trim());
  const origin = originOf(object, exportTo);
  const ports = (spec.ports ?? []).filter(({ protocol = "TCP" }) => protocol === "TCP");
  checkProtocols(ports, report);
  const value: KubeService = {
    ...origin,
    service: {
      host: serviceHost(origin.name, origin.namespace, clusterDomain),
      namespace: origin.namespace,
      name: origin.name,
      addresses: clusterAddresses(spec),
      ports: ports.map((p) => ({ name: p.name ?? "", port: p.port, protocol: portProtocol(p) })),
      resolution: resolution(spec),
      ...defined({
        standsFor: externalHost(spec),
        prefers: preference(object),
        nodeLocal: isNodeLocal(spec) || undefined,
        created: object.metadata.creationTimestamp,
      }),
      source: objectName(object),
    },
    targetPorts: Object.fromEntries(ports.map((p) => [p.port, targetPort(p)])),
    ...defined({
      selector: hasKeys(spec.selector) ? spec.selector : undefined,
      family: spec.ipFamilies?.[0],
      externalName: spec.type === "ExternalName" ? spec.externalName : undefined,
      uid: object.metadata.uid,
    }),
  };
  return { value, diagnostics: report.diagnostics };
}

function checkProtocols(ports: readonly kube.ServicePort[], report: Report): void {
  for (const [i, port] of ports.entries())
    if (port.appProtocol !== undefined && portProtocol(port) === "auto")
      report.add(
        "MESH0111",
        `spec.ports[${i}].appProtocol`,
        `appProtocol "${port.appProtocol}" of port ${port.port} is not one of http, http2, grpc, grpc-web, https, tls, tcp, mongo, mysql, redis: its protocol is detected on the wire`,
      );
}

/** What it does not know asks for nothing, as Kubernetes has it. */
const PREFERENCES: Readonly<Record<string, NonNullable<Service["prefers"]>>> = {
  PreferClose: "zone",
  PreferSameZone: "zone",
  PreferSameNode: "node",
};

function preference({ metadata, spec }: Live<kube.Service>): Service["prefers"] {
  const asked = metadata.annotations?.[TRAFFIC_DISTRIBUTION] ?? spec?.trafficDistribution;
  return asked === undefined ? undefined : ownValue(PREFERENCES, asked);
}

/** Kubernetes means what comes to a cluster IP, and so nothing where there is none. */
function isNodeLocal(spec: kube.ServiceSpec): boolean {
  return spec.internalTrafficPolicy === "Local" && resolution(spec) === "static";
}

function hasKeys(labels: Labels | undefined): labels is Labels {
  return labels !== undefined && Object.keys(labels).length > 0;
}

function targetPort({ port, targetPort: target }: kube.ServicePort): number | string {
  return target === undefined || target === 0 || target === "" ? port : target;
}

function clusterAddresses({ clusterIP, clusterIPs }: kube.ServiceSpec): readonly string[] {
  const all = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return all.filter((address) => address !== "" && address !== "None");
}

/** Kubernetes takes it with a dot at its end, too. */
function externalHost({ type, externalName }: kube.ServiceSpec): string | undefined {
  return type === "ExternalName" ? externalName?.toLowerCase().replace(/\.$/, "") : undefined;
}

function resolution({ type, clusterIP }: kube.ServiceSpec): Service["resolution"] {
  if (type === "ExternalName") return "dns";
  return clusterIP === "None" ? "headless" : "static";
}

/** One address of an EndpointSlice, before we know who is behind it. */
export interface SliceEndpoint {
  readonly address: string;
  /** Taking traffic; false: on its way out, and finishing what it has. */
  readonly ready: boolean;
  readonly node?: string;
  readonly zone?: string;
  /** `namespace/name` of the pod. */
  readonly pod?: string;
}

export interface Slice {
  /** `namespace/name` of the service. */
  readonly service: string;
  /** The uid of the Service for which it was made, if Kubernetes made it. */
  readonly owner?: string;
  readonly family: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** `undefined`: a slice of no service, or of host names, which only name resolution could use. */
export function lowerEndpointSlice(object: Live<kube.EndpointSlice>): Slice | undefined {
  const { namespace = "default", labels } = object.metadata;
  const service = labels?.[SERVICE_NAME];
  if (service === undefined || object.addressType === "FQDN") return undefined;
  return {
    service: `${namespace}/${service}`,
    ...defined({ owner: ownerOf(object.metadata) }),
    family: object.addressType,
    ports: (object.ports ?? []).flatMap(({ name = "", port, protocol = "TCP" }) =>
      port === undefined || protocol !== "TCP" ? [] : [{ name, port }],
    ),
    // Required by the schema, and yet the API server sends null for none.
    endpoints: (object.endpoints ?? []).flatMap((endpoint) => sliceEndpoint(endpoint, namespace)),
  };
}

const ownerOf = ({ ownerReferences = [] }: ObjectMeta): string | undefined =>
  ownerReferences.find(({ kind }) => kind === "Service")?.uid;

function sliceEndpoint(endpoint: kube.Endpoint, namespace: string): readonly SliceEndpoint[] {
  const { ready, draining } = conditions(endpoint.conditions ?? {});
  return endpoint.addresses.slice(0, ready || draining ? 1 : 0).map((address) => ({
    address,
    ready,
    ...defined({
      node: endpoint.nodeName,
      zone: endpoint.zone,
      pod: podKey(endpoint.targetRef, namespace),
    }),
  }));
}

/** Absent conditions mean what https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ says. */
function conditions({
  ready = true,
  serving = ready,
  terminating = false,
}: kube.EndpointConditions): {
  readonly ready: boolean;
  readonly draining: boolean;
} {
  return { ready, draining: serving && terminating };
}

function podKey(ref: kube.ObjectReference | undefined, namespace: string): string | undefined {
  return ref?.kind === "Pod" ? `${ref.namespace ?? namespace}/${ref.name}` : undefined;
}

/** What stays of a pod. One without our sidecar needs no ports: no inbound is made for it. */
export interface Pod {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly addresses: readonly string[];
  readonly labels: Labels;
  readonly tls: boolean;
  readonly node?: string;
  /** For what selects pods without an EndpointSlice. */
  readonly health: Endpoint["health"] | "unready";
  /** In place of its node's. */
  readonly locality?: Locality;
  readonly namedPorts: Readonly<Record<string, number>>;
}

/** `undefined`: the pod has run to its end. */
export function lowerPod({ metadata, spec, status = {} }: Live<kube.Pod>): Pod | undefined {
  if (hasEnded(status)) return undefined;
  const { namespace = "default", name, labels = {} } = metadata;
  const { serviceAccountName = "default", nodeName, containers = [] } = spec ?? {};
  return {
    key: objectKey({ metadata }),
    namespace,
    name,
    serviceAccount: serviceAccountName,
    addresses: podAddresses(status),
    labels,
    tls: labels[TLS_MODE] === "istio",
    ...defined({ node: nodeName, locality: podLocality(labels) }),
    health: podHealth(status, metadata.deletionTimestamp !== undefined),
    namedPorts: hasProxy(labels) ? namedPorts(containers) : {},
  };
}

function podHealth(status: kube.PodStatus, isEnding: boolean): Pod["health"] {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  const isReady = ready?.status === "True";
  if (!isReady) return "unready";
  return isEnding ? "draining" : "healthy";
}

function hasEnded({ phase }: kube.PodStatus): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

function podAddresses({ podIPs, podIP }: kube.PodStatus): readonly string[] {
  return podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);
}

function hasProxy(labels: Labels): boolean {
  return TLS_MODE in labels || PROXY_KIND in labels;
}

function namedPorts(containers: readonly kube.Container[]): Readonly<Record<string, number>> {
  const ports = containers.flatMap((container) => container.ports ?? []);
  return Object.fromEntries(
    ports.flatMap(({ name, containerPort }) => (name === undefined ? [] : [[name, containerPort]])),
  );
}

export const lowerNode = ({ metadata: { labels } }: Live<kube.Node>): Locality =>
  nodeLocality(labels);
