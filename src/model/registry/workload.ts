import { ownValue } from "../../util/own-value.ts";
import type { InboundPort, Workload } from "../ir/service.ts";
import type { ServiceEntry } from "../istio/service-entry.ts";
import type { KubeService, Pod } from "../kube.ts";
import { byAge, type Origin } from "../origin.ts";

/** What makes a pod serve a port. */
export interface Serving
  extends Origin,
    Pick<KubeService, "service" | "targetPorts" | "selector"> {}

/** An entry's first host stands for all, which have the same ports. */
export function asServices(entry: ServiceEntry): readonly Serving[] {
  return entry.services.slice(0, 1).map((service) => ({ ...entry, service }));
}

/** A pod with the ports of the services that select it; of two for one port the older names it. */
export function workloadOf(pod: Pod, services: readonly Serving[]): Workload {
  const ports = new Map<number, InboundPort>();
  for (const service of services.toSorted(byAge))
    for (const inbound of inboundPorts(pod, service))
      if (!ports.has(inbound.port)) ports.set(inbound.port, inbound);
  return {
    key: pod.key,
    namespace: pod.namespace,
    name: pod.name,
    serviceAccount: pod.serviceAccount,
    addresses: pod.addresses,
    labels: pod.labels,
    ports: [...ports.values()].sort((a, b) => a.port - b.port),
  };
}

function inboundPorts(pod: Pod, { service, targetPorts }: Serving): readonly InboundPort[] {
  return service.ports.flatMap(({ port: servicePort, protocol }) => {
    const port = portNumber(targetPorts[servicePort] ?? servicePort, pod);
    return port === undefined ? [] : [{ port, protocol, host: service.host, servicePort }];
  });
}

/** A port that the pod does not name is none of its ports. */
function portNumber(target: number | string, { namedPorts }: Pod): number | undefined {
  return typeof target === "number" ? target : (ownValue(namedPorts, target) ?? numeric(target));
}

function numeric(target: string): number | undefined {
  return /^\d+$/.test(target) ? Number(target) : undefined;
}
