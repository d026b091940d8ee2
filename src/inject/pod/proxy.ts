/**
 * What the pods of the data plane have in common: the proxy's container and its one volume.
 * Pure: `install` renders gateways from it, the webhook patches workloads with it.
 */
import type {
  Container,
  EnvVar,
  PodSpec,
  Probe,
  ResourceRequirements,
  Volume,
  VolumeMount,
} from "../../api/gen/kubernetes.ts";
import {
  PORTS,
  PROXY_CONTAINER,
  PROXY_DIRECTORY,
  PROXY_UID,
  ROOT_CONFIG_MAP,
  TOKEN_AUDIENCE,
} from "../../api/names.ts";
import {
  type BootstrapOptions,
  bootstrap,
  ROOT_SDS_FILE,
  TOKEN_FILE,
} from "../../xds/bootstrap.ts";
import { quantityBytes } from "./quantity.ts";

export interface ProxyOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
  /** Value of `--service-cluster`: the application, for logs and traces. */
  readonly application: string;
  readonly resources: ResourceRequirements;
  readonly concurrency: number;
  readonly logLevel: string;
  readonly componentLogLevel?: string | undefined;
  /** Beside its own. */
  readonly mounts?: readonly VolumeMount[];
  readonly bootstrap: Omit<BootstrapOptions, "podIp" | "memoryLimitBytes">;
  /** What is made of those options: a proxy of the mesh's, unless said otherwise. */
  readonly configuration?: (options: BootstrapOptions) => object;
}

const PROXY_VOLUME = "meshwright-proxy";
const TOKEN_TTL_SECONDS = 43_200;
/** How long a listener that was replaced or removed may keep its connections; Istio's default. */
const DRAIN_TIME_SECONDS = 45;
/** Stands for the pod's address until kubelet knows it. */
const POD_IP = "pod-ip.invalid";

export const DEFAULT_RESOURCES = {
  requests: { cpu: "10m", memory: "64Mi" },
  limits: { memory: "1Gi" },
} as const satisfies ResourceRequirements;

/** The container without what sidecar and gateway do differently: probes and shutdown. */
export function proxyContainer(options: ProxyOptions): Container {
  const { image, imagePullPolicy, mounts = [], resources } = options;
  return {
    name: PROXY_CONTAINER,
    image,
    imagePullPolicy,
    command: ["/usr/local/bin/envoy"],
    args: envoyArguments(options),
    env: [
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      field("POD_IP", "status.podIP"),
    ],
    ports: [{ name: "http-envoy-prom", containerPort: PORTS.stats, protocol: "TCP" }],
    resources,
    securityContext: {
      runAsUser: PROXY_UID,
      runAsGroup: PROXY_UID,
      runAsNonRoot: true,
      ...CONFINED,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: PROXY_VOLUME, mountPath: PROXY_DIRECTORY, readOnly: true }, ...mounts],
  };
}

/** Security settings of every container that we add. */
export const CONFINED = {
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** Everything a proxy reads while it runs; kubelet keeps it fresh. */
export const proxyVolume = (): Volume => ({
  name: PROXY_VOLUME,
  projected: {
    sources: [
      {
        serviceAccountToken: {
          audience: TOKEN_AUDIENCE,
          expirationSeconds: TOKEN_TTL_SECONDS,
          path: TOKEN_FILE,
        },
      },
      {
        configMap: {
          name: ROOT_CONFIG_MAP,
          items: [{ key: ROOT_SDS_FILE, path: ROOT_SDS_FILE }],
        },
      },
    ],
  },
});

/** What is added to a pod's own volumes: the proxy's, and those wanted that the pod does not have. */
export const addedVolumes = (
  wanted: readonly Volume[],
  { volumes: own = [] }: PodSpec,
): readonly Volume[] => [
  proxyVolume(),
  ...wanted.filter(({ name }) => !own.some((one) => one.name === name)),
];

export const readyProbe = (timing: {
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}): Probe => ({
  httpGet: { path: "/healthz/ready", port: PORTS.readiness, scheme: "HTTP" },
  timeoutSeconds: 3,
  ...timing,
});

const field = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
});

function envoyArguments(options: ProxyOptions): string[] {
  const { application, concurrency, logLevel, componentLogLevel } = options;
  return [
    "--config-yaml",
    configuration(options),
    "--service-node",
    "$(POD_NAME).$(POD_NAMESPACE)",
    "--service-cluster",
    `${application}.$(POD_NAMESPACE)`,
    "--concurrency",
    String(concurrency),
    "--log-level",
    logLevel,
    ...(componentLogLevel ? ["--component-log-level", componentLogLevel] : []),
    "--drain-strategy",
    "immediate",
    "--drain-time-s",
    String(DRAIN_TIME_SECONDS),
    "--disable-hot-restart",
  ];
}

/** Kubernetes expands `$(…)` in arguments: only the pod's address is meant to be. */
function configuration({
  bootstrap: options,
  configuration: made = bootstrap,
  resources,
}: ProxyOptions): string {
  const limit = quantityBytes(String(resources.limits?.["memory"] ?? ""));
  const json = JSON.stringify(
    made({
      ...options,
      podIp: POD_IP,
      // A limit of 0 is none to Kubernetes.
      ...(limit !== undefined && limit > 0 && { memoryLimitBytes: limit }),
    }),
  );
  return json.replaceAll("$", "$$$$").replaceAll(POD_IP, "$(POD_IP)");
}
