/**
 * What a MeshConfig and the operator's own release come to: every choice made, nothing optional.
 * `install` is pure: it says which objects a mesh consists of and never looks at a cluster.
 */

import type { LocalityLbSetting } from "../api/control-plane-config.ts";
import type {
  MeshConfigSpecGateways,
  MeshConfigSpecImages,
  MeshConfigSpecMesh,
} from "../api/gen/mesh-config.ts";
import type { MeshConfig } from "../api/kinds.ts";
import { CONTROL_PLANE_NAMESPACE } from "../api/names.ts";

/** What this release installs: its version and images, given by the manifest that deployed it. */
export interface Catalogue {
  readonly version: string;
  readonly image: string;
  readonly proxyImage: string;
}

type Quantities = Readonly<Record<string, string>>;

export interface Resources {
  readonly requests?: Quantities;
  readonly limits?: Quantities;
}

export interface GatewayPort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
}

export interface GatewaySettings {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly resources: Resources | undefined;
  readonly drainSeconds: number;
  readonly serviceType: "LoadBalancer" | "NodePort" | "ClusterIP";
  readonly annotations: Readonly<Record<string, string>>;
  readonly ports: readonly GatewayPort[];
}

export interface Settings {
  /** Name of the MeshConfig. */
  readonly mesh: string;
  readonly version: string;
  readonly image: string;
  readonly proxyImage: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly resources: Resources;
  readonly logLevel: string;
  readonly failurePolicy: "Fail" | "Ignore";
  readonly dnsCapture: boolean;
  readonly trustDomain: string;
  readonly workloadTtlMs: number;
  readonly clusterDomain: string;
  readonly rootNamespace: string;
  readonly accessLogFile: string;
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  readonly localityLbSetting: LocalityLbSetting | undefined;
  /** What else the user says of the mesh's traffic. */
  readonly meshConfig: MeshConfigSpecMesh;
  readonly gateways: readonly GatewaySettings[];
}

/** Where gateways run, and the control plane's own namespace, where the next one would. */
export const gatewayNamespaces = ({ gateways, namespace: home }: Settings): readonly string[] =>
  [...new Set([home, ...gateways.map(({ namespace }) => namespace)])].sort();

/** What a mesh of ten thousand services takes is within the limit. */
const CONTROL_PLANE_RESOURCES: Resources = {
  requests: { cpu: "50m", memory: "128Mi" },
  limits: { memory: "2Gi" },
};

/** As in the CRD: the API server fills them in, but the types of its schema cannot promise it. */
const DEFAULTS = {
  controlPlane: { namespace: CONTROL_PLANE_NAMESPACE, replicas: 2, logLevel: "info" },
  injector: { failurePolicy: "Fail", dnsCapture: false },
  security: { trustDomain: "cluster.local", workloadTTL: "24h" },
  networking: { clusterDomain: "cluster.local" },
  mesh: { accessLogFile: "" },
  gateway: { replicas: 1, drainSeconds: 30 },
} as const;

/** What `spec.version` asks for; without it, what the operator installs. */
export const wantedVersion = (
  { spec }: MeshConfig,
  { version }: Pick<Catalogue, "version">,
): string => spec?.version?.replace(/^v/, "") ?? version;

export function settingsOf({ metadata, spec = {} }: MeshConfig, catalogue: Catalogue): Settings {
  const { namespace, ...controlPlane } = { ...DEFAULTS.controlPlane, ...spec.controlPlane };
  const { trustDomain, workloadTTL } = { ...DEFAULTS.security, ...spec.security };
  const { rootNamespace = namespace, ...mesh } = { ...DEFAULTS.mesh, ...spec.mesh };
  return {
    mesh: metadata.name,
    version: catalogue.version,
    image: withPrefix(catalogue.image, spec.images),
    proxyImage: withPrefix(catalogue.proxyImage, spec.images),
    namespace,
    replicas: controlPlane.replicas,
    resources: resources(controlPlane.resources) ?? CONTROL_PLANE_RESOURCES,
    logLevel: controlPlane.logLevel,
    ...DEFAULTS.injector,
    ...spec.injector,
    trustDomain,
    workloadTtlMs: durationMs(workloadTTL),
    ...DEFAULTS.networking,
    ...spec.networking,
    rootNamespace,
    accessLogFile: mesh.accessLogFile,
    outboundTrafficPolicy: mesh.outboundTrafficPolicy?.mode ?? "ALLOW_ANY",
    meshConfig: othersOf(spec.mesh),
    localityLbSetting: mesh.localityLbSetting && { enabled: true, ...mesh.localityLbSetting },
    gateways: (spec.gateways ?? []).map((gateway) => gatewayOf(gateway, namespace)),
  };
}

function othersOf({
  rootNamespace: _root,
  accessLogFile: _log,
  outboundTrafficPolicy: _unknown,
  localityLbSetting: _places,
  ...others
}: MeshConfigSpecMesh = {}): MeshConfigSpecMesh {
  return others;
}

function gatewayOf(
  { name, service = {}, ...given }: MeshConfigSpecGateways,
  controlPlaneNamespace: string,
): GatewaySettings {
  return {
    name,
    namespace: controlPlaneNamespace,
    labels: { istio: name.replace(/^istio-(?=.)/, "") },
    ...DEFAULTS.gateway,
    ...given,
    resources: resources(given.resources),
    serviceType: service.type ?? (given.type === "Egress" ? "ClusterIP" : "LoadBalancer"),
    annotations: service.annotations ?? {},
    ports: (service.ports ?? []).map((port) => ({ targetPort: port.port, ...port })),
  };
}

type RawQuantities = Readonly<Record<string, number | string>>;

function resources(
  raw: { readonly requests?: RawQuantities; readonly limits?: RawQuantities } | undefined,
): Resources | undefined {
  if (raw?.requests === undefined && raw?.limits === undefined) return undefined;
  return {
    ...(raw.requests && { requests: quantities(raw.requests) }),
    ...(raw.limits && { limits: quantities(raw.limits) }),
  };
}

const quantities = (raw: RawQuantities): Quantities =>
  Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, String(value)]));

/** The image of the same name and tag below another registry and path. */
function withPrefix(image: string, { prefix }: MeshConfigSpecImages = {}): string {
  return prefix === undefined ? image : `${prefix}/${image.slice(image.lastIndexOf("/") + 1)}`;
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };

/** `1h30m` in milliseconds; the schema admits nothing else. */
function durationMs(text: string): number {
  return [...text.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, number, unit = ""]) => sum + Number(number) * (UNITS_MS[unit] ?? 0),
    0,
  );
}
