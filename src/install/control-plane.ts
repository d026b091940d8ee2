import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import type {
  ConfigMap,
  Container,
  Deployment,
  PodDisruptionBudget,
  Service,
  ServiceAccount,
} from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { EXPORT_TO } from "../api/labels.ts";
import { CONFIG_FILE, CONTROL_PLANE, DNS_SERVICE, PORTS } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { metadata, ownerLabels } from "./metadata.ts";
import { gatewayNamespaces, type Settings } from "./settings.ts";

/** It parts from its proxies over 10 s; the API server and kube-proxy need a moment before. */
const GRACE_SECONDS = 30;
const USER = 65532;
/**
 * Left to itself, V8 lets its young generation grow with the memory of the machine, to nearly as much
 * as lives long in a mesh of a thousand services, and keeps to half of the container's limit, of which
 * a mesh of ten thousand needs more: docs/performance.md.
 */
export const NODE_OPTIONS = "--max-semi-space-size=8 --max-old-space-size-percentage=75";

/** @param rollout changes when pods must be made anew: a hash of what they read only at start */
export function controlPlane(settings: Settings, rollout: string): readonly KubeObject[] {
  return [
    serviceAccount(settings),
    configMap(settings),
    service(settings),
    dnsService(settings),
    deployment(settings, rollout),
    ...(settings.replicas > 1 ? [disruptionBudget(settings)] : []),
  ];
}

/** The settings, as the control plane reads them. */
export function controlPlaneConfig(settings: Settings): ControlPlaneConfig {
  const { mesh, namespace, rootNamespace, trustDomain, clusterDomain, proxyImage } = settings;
  const { workloadTtlMs, outboundTrafficPolicy, localityLbSetting, accessLogFile, meshConfig } =
    settings;
  return {
    mesh,
    namespace,
    rootNamespace,
    trustDomain,
    clusterDomain,
    gatewayNamespaces: gatewayNamespaces(settings),
    proxyImage,
    ...(settings.dnsCapture && { dnsCapture: true }),
    workloadTtlMs,
    outboundTrafficPolicy,
    ...(localityLbSetting && { localityLbSetting }),
    accessLogFile,
    ...(Object.keys(meshConfig).length > 0 && { meshConfig }),
  };
}

const meta = ({ mesh, namespace }: Settings): KubeObject["metadata"] =>
  metadata(
    { mesh, component: "control-plane" },
    { name: CONTROL_PLANE, namespace, labels: { app: CONTROL_PLANE } },
  );

const serviceAccount = (settings: Settings): Live<ServiceAccount> => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: meta(settings),
});

const configMap = (settings: Settings): Live<ConfigMap> => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: meta(settings),
  data: { "config.json": `${JSON.stringify(controlPlaneConfig(settings), null, 2)}\n` },
});

const service = (settings: Settings): Live<Service> => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta(settings),
  spec: {
    selector: { app: CONTROL_PLANE },
    ipFamilyPolicy: "PreferDualStack",
    ports: [
      { name: "grpc-xds", port: PORTS.xds, targetPort: PORTS.xds, protocol: "TCP" },
      { name: "https-webhook", port: 443, targetPort: PORTS.webhook, protocol: "TCP" },
      {
        name: "http-monitoring",
        port: PORTS.monitoring,
        targetPort: PORTS.monitoring,
        protocol: "TCP",
      },
    ],
  },
});

/**
 * Sidecars look up its replicas and ask each whether it is of use, so they see those that start or
 * end, too. For that they have a cluster in their bootstrap: to the mesh the Service is nothing, or
 * each new replica would change the listeners of every sidecar.
 */
const dnsService = (settings: Settings): Live<Service> => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { ...meta(settings), name: DNS_SERVICE, annotations: { [EXPORT_TO]: "~" } },
  spec: {
    selector: { app: CONTROL_PLANE },
    clusterIP: "None",
    ipFamilyPolicy: "PreferDualStack",
    ports: [
      { name: "dns", port: PORTS.dns, targetPort: PORTS.dns, protocol: "UDP" },
      { name: "dns-tcp", port: PORTS.dns, targetPort: PORTS.dns, protocol: "TCP" },
    ],
  },
});

const disruptionBudget = (settings: Settings): Live<PodDisruptionBudget> => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: meta(settings),
  spec: { maxUnavailable: 1, selector: { matchLabels: { app: CONTROL_PLANE } } },
});

const deployment = (settings: Settings, rollout: string): Live<Deployment> => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: meta(settings),
  spec: {
    replicas: settings.replicas,
    revisionHistoryLimit: 3,
    progressDeadlineSeconds: 300,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    selector: { matchLabels: { app: CONTROL_PLANE } },
    template: {
      metadata: {
        labels: { app: CONTROL_PLANE, ...ownerLabels(settings.mesh, "control-plane") },
        annotations: { "meshwright.dev/rollout": rollout },
      },
      spec: {
        serviceAccountName: CONTROL_PLANE,
        terminationGracePeriodSeconds: GRACE_SECONDS,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: USER,
          runAsGroup: USER,
          fsGroup: USER,
          seccompProfile: { type: "RuntimeDefault" },
        },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: { app: CONTROL_PLANE } },
          },
        ],
        containers: [container(settings)],
        volumes: [{ name: "config", configMap: { name: CONTROL_PLANE } }],
      },
    },
  },
});

const container = ({ image, logLevel, resources }: Settings): Container => ({
  name: "control-plane",
  image,
  imagePullPolicy: "IfNotPresent",
  args: ["control-plane"],
  env: [
    field("POD_NAME", "metadata.name"),
    field("POD_NAMESPACE", "metadata.namespace"),
    { name: "LOG_LEVEL", value: logLevel },
    { name: "NODE_OPTIONS", value: NODE_OPTIONS },
  ],
  ports: [
    { name: "grpc-xds", containerPort: PORTS.xds, protocol: "TCP" },
    { name: "dns", containerPort: PORTS.dns, protocol: "UDP" },
    { name: "dns-tcp", containerPort: PORTS.dns, protocol: "TCP" },
    { name: "https-webhook", containerPort: PORTS.webhook, protocol: "TCP" },
    { name: "http-monitoring", containerPort: PORTS.monitoring, protocol: "TCP" },
  ],
  startupProbe: { ...probe("/readyz"), periodSeconds: 1, failureThreshold: 300 },
  readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 3 },
  livenessProbe: { ...probe("/healthz"), periodSeconds: 10, failureThreshold: 6 },
  // Endpoints forget the pod before it stops listening.
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  resources,
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
  volumeMounts: [
    {
      name: "config",
      mountPath: CONFIG_FILE.slice(0, CONFIG_FILE.lastIndexOf("/")),
      readOnly: true,
    },
  ],
});

const probe = (path: string) =>
  ({
    httpGet: { path, port: PORTS.monitoring, scheme: "HTTP" },
    timeoutSeconds: 5,
  }) as const;

const field = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
});
