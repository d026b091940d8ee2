import type {
  ContainerPort,
  Lifecycle,
  PodSpec,
  ResourceRequirements,
} from "../../api/gen/kubernetes.ts";
import { PORTS } from "../../api/names.ts";
import { DEFAULT_RESOURCES, proxyContainer, proxyVolume, readyProbe } from "./proxy.ts";

export interface GatewayPodOptions {
  /** Name of the gateway: of its Deployment and ServiceAccount. */
  readonly name: string;
  readonly serviceAccount: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  /** Namespace of the control plane that it connects to. */
  readonly controlPlaneNamespace: string;
  readonly clusterDomain: string;
  /** Ports that the gateway's Service targets; from 1024 up, as the proxy is not root. */
  readonly ports: readonly ContainerPort[];
  readonly resources?: ResourceRequirements;
  readonly concurrency?: number;
  readonly logLevel?: string;
  /** How long the gateway goes on serving after its deletion began. */
  readonly drainSeconds?: number;
}

const DRAIN_SECONDS = 30;
/** For kubelet to run the hook, and for Envoy to exit. */
const MARGIN_SECONDS = 10;

/**
 * The pods of a gateway: the proxy alone, without capture, as user 1337.
 *
 * Deleting one takes it out of its Service's endpoints at once; until that is known everywhere it
 * goes on serving, and asks its clients to reconnect elsewhere.
 */
export function gatewayPodSpec(options: GatewayPodOptions): PodSpec {
  const { drainSeconds = DRAIN_SECONDS, ports, name, serviceAccount } = options;
  const proxy = proxyContainer({
    image: options.image,
    imagePullPolicy: options.imagePullPolicy ?? "IfNotPresent",
    application: name,
    resources: options.resources ?? DEFAULT_RESOURCES,
    concurrency: options.concurrency ?? 2,
    logLevel: options.logLevel ?? "warning",
    bootstrap: {
      namespace: options.controlPlaneNamespace,
      clusterDomain: options.clusterDomain,
      probes: [],
    },
  });
  return {
    serviceAccountName: serviceAccount,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: drainSeconds + MARGIN_SECONDS,
    containers: [
      {
        ...proxy,
        ports: [
          ...ports,
          { name: "status-port", containerPort: PORTS.readiness, protocol: "TCP" },
          ...(proxy.ports ?? []),
        ],
        startupProbe: readyProbe({ periodSeconds: 1, failureThreshold: 600 }),
        readinessProbe: readyProbe({ periodSeconds: 5, failureThreshold: 3 }),
        lifecycle: drainFor(drainSeconds),
      },
    ],
    volumes: [proxyVolume()],
  };
}

const drainFor = (seconds: number): Lifecycle => ({
  preStop: { exec: { command: ["/usr/local/bin/drain", "all", String(seconds)] } },
});
