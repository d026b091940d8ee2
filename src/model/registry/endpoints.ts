import type { Locality } from "../../api/locality.ts";
import { defined } from "../../util/defined.ts";
import type { Endpoint, Peers, ServicePort } from "../ir/service.ts";
import { isReachable } from "../istio/place.ts";
import type { WorkloadEntry } from "../istio/workload-entry.ts";
import type { KubeService, Pod, Slice, SliceEndpoint } from "../kube.ts";
import { placeEndpoint, portAt } from "./place-endpoints.ts";

/** What an endpoint's address leads to. */
export interface Surroundings {
  readonly trustDomain: string;
  pod(key: string): Pod | undefined;
  locality(node: string): Endpoint["locality"] | undefined;
}

export interface Sources {
  readonly slices: readonly Slice[];
  /** Those that the service selects. */
  readonly entries: readonly WorkloadEntry[];
}

/**
 * Where a service's traffic can go, by port and address. Endpoints that are on their way out stay,
 * draining, so that what is open to them is not cut; if no others are left they serve, as they do
 * for kube-proxy.
 */
export function endpointsOf(
  service: KubeService,
  { slices, entries }: Sources,
  around: Surroundings,
): readonly Endpoint[] {
  if (service.externalName !== undefined) return externalEndpoints(service, service.externalName);
  const byAddress = new Map<string, Endpoint>();
  for (const slice of ofFamily(ofService(slices, service), service.family))
    for (const endpoint of slice.endpoints)
      for (const found of endpointsIn(service, slice, lowerEndpoint(endpoint, around)))
        keepReady(byAddress, found);
  for (const entry of entries.filter(({ place }) => isReachable(place, "static")))
    for (const port of service.service.ports)
      keepReady(byAddress, selectedEndpoint(service, entry, port, around));
  const all = [...byAddress.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, e]) => e);
  return all.some(({ health }) => health === "healthy")
    ? all
    : all.map((endpoint) => ({ ...endpoint, health: "healthy" }));
}

/** What was made for an earlier Service of the same name is about to go. */
const ofService = (slices: readonly Slice[], { uid }: KubeService): readonly Slice[] =>
  slices.filter(({ owner = uid }) => uid === undefined || owner === uid);

/** A pod with addresses of two families is one endpoint, at the family that clients are given. */
function ofFamily(slices: readonly Slice[], family: string | undefined): readonly Slice[] {
  const matching = slices.filter((slice) => slice.family === family);
  return matching.length > 0 ? matching : slices;
}

type Unported = Omit<Endpoint, "port" | "portName">;

function endpointsIn(service: KubeService, slice: Slice, endpoint: Unported): readonly Endpoint[] {
  return slice.ports.flatMap(({ name, port }) => {
    const portName = currentName(service, slice, { name, port });
    return portName === undefined ? [] : [{ ...endpoint, port, portName }];
  });
}

/**
 * What the service calls a port of a slice. One that was renamed has its old name there until
 * Kubernetes has written the slice anew; meanwhile it is known by the number it leads to.
 */
function currentName(
  { service: { ports }, targetPorts }: KubeService,
  slice: Slice,
  { name, port }: Slice["ports"][number],
): string | undefined {
  if (ports.some((one) => one.name === name)) return name;
  const isNew = (portName: string): boolean => slice.ports.every((one) => one.name !== portName);
  return ports.find((one) => isNew(one.name) && targetPorts[one.port] === port)?.name;
}

/** A WorkloadEntry that a Service selects; a port that the Service names is one of the entry's. */
function selectedEndpoint(
  { targetPorts }: KubeService,
  { namespace, place }: WorkloadEntry,
  { name, port }: ServicePort,
  { trustDomain }: Surroundings,
): Endpoint {
  const target = targetPorts[port] ?? port;
  const number = typeof target === "number" ? target : portAt(place, target, port);
  const at = { portName: name, port: portAt(place, name, number) };
  return placeEndpoint(place, at, { namespace, trustDomain });
}

/** While an endpoint moves between slices it may be in both. */
function keepReady(byAddress: Map<string, Endpoint>, endpoint: Endpoint): void {
  const id = `${endpoint.portName} ${endpoint.address} ${endpoint.port}`;
  if (byAddress.get(id)?.health !== "healthy") byAddress.set(id, endpoint);
}

function lowerEndpoint(endpoint: SliceEndpoint, around: Surroundings): Unported {
  const pod = endpoint.pod === undefined ? undefined : around.pod(endpoint.pod);
  return {
    address: endpoint.address,
    labels: pod?.labels ?? {},
    tls: pod?.tls ?? false,
    health: endpoint.ready ? "healthy" : "draining",
    locality: localityOf(endpoint, pod, around),
    ...defined({
      node: endpoint.node,
      workload: pod?.key,
      identity: pod && identityOf(pod, around.trustDomain),
    }),
  };
}

function localityOf(
  { node, zone = "" }: Pick<SliceEndpoint, "node" | "zone">,
  pod: Pod | undefined,
  around: Surroundings,
): Locality {
  if (pod?.locality !== undefined) return pod.locality;
  const known = node === undefined ? undefined : around.locality(node);
  return known ?? { region: "", zone };
}

function identityOf(pod: Pod, trustDomain: string): string | undefined {
  return pod.tls
    ? `spiffe://${trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`
    : undefined;
}

/** A pod that is selected without a Service; `undefined` as long as it has no address or is not ready. */
export function podEndpoint(
  pod: Pod,
  at: Pick<Endpoint, "port" | "portName">,
  around: Surroundings,
): Endpoint | undefined {
  const [address] = pod.addresses;
  if (address === undefined || pod.health === "unready") return undefined;
  return {
    address,
    ...at,
    labels: pod.labels,
    tls: pod.tls,
    health: pod.health,
    locality: localityOf(pod, pod, around),
    workload: pod.key,
    ...defined({ node: pod.node, identity: identityOf(pod, around.trustDomain) }),
  };
}

function externalEndpoints({ service }: KubeService, address: string): readonly Endpoint[] {
  return service.ports.map(({ port, name }) => ({
    address,
    port,
    portName: name,
    labels: {},
    tls: false,
    health: "healthy",
    locality: { region: "", zone: "" },
  }));
}

export const NOBODY: Peers = { identities: [], anyMutual: false, allMutual: false };

export const peersOf = (endpoints: readonly Endpoint[]): Peers => ({
  identities: [...new Set(endpoints.flatMap(({ identity }) => identity ?? []))].sort(),
  anyMutual: endpoints.some(({ tls }) => tls),
  allMutual: endpoints.length > 0 && endpoints.every(({ tls }) => tls),
});
