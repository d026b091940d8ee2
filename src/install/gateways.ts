import type {
  ContainerPort,
  Deployment,
  PodDisruptionBudget,
  Service,
  ServiceAccount,
} from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { PROXY_KIND } from "../api/labels.ts";
import { PORTS } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { gatewayPodSpec } from "../inject/pod/gateway.ts";
import { metadata, ownerLabels } from "./metadata.ts";
import type { GatewaySettings, Settings } from "./settings.ts";

export const gateways = (settings: Settings): readonly KubeObject[] =>
  settings.gateways.flatMap((gateway) => [
    serviceAccount(settings, gateway),
    service(settings, gateway),
    deployment(settings, gateway),
    ...(gateway.replicas > 1 ? [disruptionBudget(settings, gateway)] : []),
  ]);

const labelsOf = ({ name, labels }: GatewaySettings): Record<string, string> => ({
  ...labels,
  app: name,
});

/** Nothing that a user can edit: the selector of a Deployment never changes. */
const selector = ({ mesh }: Settings, { name }: GatewaySettings): Record<string, string> => ({
  app: name,
  ...ownerLabels(mesh, "gateway"),
});

const meta = ({ mesh }: Settings, gateway: GatewaySettings): KubeObject["metadata"] =>
  metadata(
    { mesh, component: "gateway" },
    { name: gateway.name, namespace: gateway.namespace, labels: labelsOf(gateway) },
  );

const serviceAccount = (settings: Settings, gateway: GatewaySettings): Live<ServiceAccount> => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: meta(settings, gateway),
});

const service = (settings: Settings, gateway: GatewaySettings): Live<Service> => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { ...meta(settings, gateway), annotations: gateway.annotations },
  spec: {
    type: gateway.serviceType,
    selector: selector(settings, gateway),
    ipFamilyPolicy: "PreferDualStack",
    ports: gateway.ports.map((port) => ({ ...port, protocol: "TCP" })),
  },
});

const disruptionBudget = (
  settings: Settings,
  gateway: GatewaySettings,
): Live<PodDisruptionBudget> => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: meta(settings, gateway),
  spec: { maxUnavailable: 1, selector: { matchLabels: selector(settings, gateway) } },
});

/** Every proxy has these; its Service may name them all the same. */
const OWN_PORTS: readonly number[] = [PORTS.readiness, PORTS.stats];

/** One each, though several ports of the Service may lead to it: a list with two is not applied. */
function containerPorts({ ports }: GatewaySettings): readonly ContainerPort[] {
  const byTarget = Map.groupBy(ports, ({ targetPort }) => targetPort);
  return [...byTarget]
    .filter(([containerPort]) => !OWN_PORTS.includes(containerPort))
    .flatMap(([containerPort, [first]]) =>
      first ? [{ name: first.name, containerPort, protocol: "TCP" }] : [],
    );
}

const deployment = (settings: Settings, gateway: GatewaySettings): Live<Deployment> => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: meta(settings, gateway),
  spec: {
    replicas: gateway.replicas,
    revisionHistoryLimit: 3,
    progressDeadlineSeconds: 300,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    selector: { matchLabels: selector(settings, gateway) },
    template: {
      metadata: {
        labels: {
          ...labelsOf(gateway),
          [PROXY_KIND]: "gateway",
          ...selector(settings, gateway),
        },
      },
      spec: {
        securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        ...gatewayPodSpec({
          name: gateway.name,
          serviceAccount: gateway.name,
          image: settings.proxyImage,
          controlPlaneNamespace: settings.namespace,
          clusterDomain: settings.clusterDomain,
          ports: containerPorts(gateway),
          ...(gateway.resources && { resources: gateway.resources }),
          drainSeconds: gateway.drainSeconds,
        }),
      },
    },
  },
});
