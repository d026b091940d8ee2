/** Endpoints as Envoy lists them: by locality, those that are going away used only if there are no others. */
import type { Endpoint } from "../model/ir/service.ts";
import type { Locality, Metadata } from "../proto/gen/envoy/config/core/v3/base.ts";
import type { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from "../proto/gen/envoy/config/endpoint/v3/endpoint_components.ts";
import { endpointAddress } from "./address.ts";
import { arranged, type Group, type Nearness, weighsPlaces } from "./locality.ts";
import type { ProxyView } from "./view.ts";

/** Key of endpoint metadata by which a cluster chooses its transport socket. */
export const TLS_MODE = "tlsMode";
export const MUTUAL = "istio";

interface Wanted {
  readonly name: string;
  readonly portName: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Who looks, whether it matters from where, and which share of healthy endpoints is too small. */
export interface Viewpoint {
  /** Whether endpoints on other nodes than the client's are none. */
  readonly nodeLocal?: boolean;
  readonly nearness: Nearness | undefined;
  readonly minHealthPercent: number | undefined;
  readonly client: ProxyView;
}

export function loadAssignment(
  { name, portName, labels }: Wanted,
  endpoints: readonly Endpoint[],
  from: Viewpoint,
): ClusterLoadAssignment {
  const chosen = reachable(toldApart(endpoints), from).filter(
    (e) => e.portName === portName && carries(e, labels),
  );
  const groups = arranged(usable(chosen, from).toSorted(byAddress), from.nearness, from.client);
  return { clusterName: name, endpoints: groups.map(localityLbEndpoints) };
}

/** The client's node is read only where it makes a difference. */
function reachable(
  endpoints: readonly Endpoint[],
  { nodeLocal = false, client }: Viewpoint,
): readonly Endpoint[] {
  if (!nodeLocal || endpoints.length === 0) return endpoints;
  const here = client.node ?? "";
  return endpoints.filter(({ node = "" }) => node === here);
}

/** What is true of all of a service's endpoints, its clusters know: none of them has to say it. */
const toldApart = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.every(({ tls }) => tls)
    ? endpoints.map((endpoint) => ({ ...endpoint, tls: false }))
    : endpoints;

const carries = (endpoint: Endpoint, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value);

/** As in Kubernetes: endpoints that are going away serve as long as there are no others. */
function usable(endpoints: readonly Endpoint[], from: Viewpoint): readonly Endpoint[] {
  const healthy = endpoints.filter(({ health }) => health === "healthy");
  if (healthy.length === 0)
    return endpoints.map((endpoint) => ({ ...endpoint, health: "healthy" }));
  return comparesHealth(from) ? healthy : endpoints;
}

/** Whether Envoy sends requests elsewhere as fewer of those that are listed are healthy. */
const comparesHealth = ({ nearness, minHealthPercent = 0 }: Viewpoint): boolean =>
  minHealthPercent > 0 || nearness?.failover === true || weighsPlaces(nearness);

const localityLbEndpoints = ({
  locality,
  endpoints,
  weight,
  priority,
}: Group): LocalityLbEndpoints => ({
  locality: lbLocality(locality),
  lbEndpoints: endpoints.map(lbEndpoint),
  loadBalancingWeight: weight,
  ...(priority > 0 && { priority }),
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byAddress = (a: Endpoint, b: Endpoint): number =>
  compare(a.address, b.address) || a.port - b.port;

const lbLocality = ({ region, zone, subzone }: Endpoint["locality"]): Locality => ({
  ...(region !== "" && { region }),
  ...(zone !== "" && { zone }),
  ...(subzone !== undefined && { subZone: subzone }),
});

const TAKES_MUTUAL: Metadata = {
  filterMetadata: { "envoy.transport_socket_match": { [TLS_MODE]: MUTUAL } },
};

function lbEndpoint({ address, port, health, tls, weight }: Endpoint): LbEndpoint {
  return {
    endpoint: { address: endpointAddress(address, port) },
    ...(weight !== undefined && { loadBalancingWeight: weight }),
    ...(health === "draining" && { healthStatus: "DRAINING" }),
    ...(tls && { metadata: TAKES_MUTUAL }),
  };
}
