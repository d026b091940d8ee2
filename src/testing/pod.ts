/** What tests of injection have in common. */
import type { Container } from "../api/gen/kubernetes.ts";

export const INJECTION = {
  image: "meshwright.local/meshwright-proxy:test",
  imagePullPolicy: "IfNotPresent",
  controlPlaneNamespace: "mesh-system",
  clusterDomain: "cluster.local",
  revision: "default",
} as const;

/** The bootstrap as YAML rather than as one long argument. */
export function readable<
  P extends { readonly spec: { readonly initContainers?: readonly Container[] } },
>(pod: P): P {
  const initContainers = pod.spec.initContainers?.map((container) => ({
    ...container,
    ...(container.args && { args: container.args.map(parsed) }),
  }));
  return { ...pod, spec: { ...pod.spec, ...(initContainers && { initContainers }) } };
}

const parsed = (argument: string): unknown =>
  argument.startsWith("{") ? (JSON.parse(argument) as unknown) : argument;
