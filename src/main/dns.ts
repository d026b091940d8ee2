/** Name resolution for pods, from the model that their proxies listen by. */
import { getServers } from "node:dns";
import { isIP } from "node:net";
import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import type { Asker } from "../dns/askers.ts";
import { type Address, Resolver } from "../dns/resolver.ts";
import type { Names } from "../dns/responder.ts";
import type { MeshModel } from "../model/dataflow.ts";
import { serviceHost } from "../model/host.ts";

const DNS_PORT = 53;

/** Of the cluster: the control plane's pod has those that other pods have. */
export const clusterResolvers = (): readonly string[] =>
  getServers().filter((address) => isIP(address) !== 0);

/** @param addresses those of the cluster's resolver */
export const clusterResolver = (
  addresses: readonly string[],
  { clusterDomain }: Pick<ControlPlaneConfig, "clusterDomain">,
): Resolver =>
  new Resolver({
    addresses: addresses.map((host): Address => ({ host, port: DNS_PORT })),
    probeName: serviceHost("kubernetes", "default", clusterDomain),
  });

/**
 * Hosts of ServiceEntries that the pod's proxy listens for, and ExternalNames for them. What a Kubernetes Service has is the
 * cluster's to answer, and a host without addresses goes to whoever knows the real ones.
 */
export const namesOf =
  ({ engine, mesh }: MeshModel): Names =>
  (host, asker) => {
    const seen = mesh(engine);
    const service = seen.service(host, asker.namespace);
    if (!service?.registered || service.addresses.length === 0) return undefined;
    return isImported(seen.hosts(seen.scope(onlooker(asker))), service.host)
      ? service.addresses
      : undefined;
  };

const onlooker = ({ namespace, labels }: Asker) =>
  ({ kind: "sidecar", namespace, labels }) as const;

/** Hosts come sorted. */
function isImported(hosts: readonly string[], host: string): boolean {
  let [low, high] = [0, hosts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((hosts[middle] ?? "") < host) low = middle + 1;
    else high = middle;
  }
  return hosts[low] === host;
}
