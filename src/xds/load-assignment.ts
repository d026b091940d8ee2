/** Endpoints as Envoy lists them: by locality, those that are going away only if there are no others. */
import type { Endpoint } from "../model/ir/service.ts";
import type { Locality, Metadata } from "../proto/gen/envoy/config/core/v3/base.ts";
import type { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from "../proto/gen/envoy/config/endpoint/v3/endpoint_components.ts";
import { endpointAddress } from "./address.ts";
import { arranged, type Group, type Nearness } from "./locality.ts";
import type { ProxyView } from "./view.ts";

/** Key of endpoint metadata by which a cluster chooses its transport socket. */
export const TLS_MODE = "tlsMode";
export const MUTUAL = "istio";

interface Wanted {
  readonly name: string;
  readonly portName: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Who looks, and whether it matters from where. */
export interface Viewpoint {
  readonly nearness: Nearness | undefined;
  readonly client: ProxyView;
}

export function loadAssignment(
  { name, portName, labels }: Wanted,
  endpoints: readonly Endpoint[],
  { nearness, client }: Viewpoint,
): ClusterLoadAssignment {
  const chosen = toldApart(endpoints).filter((e) => e.portName === portName && carries(e, labels));
  const groups = arranged(usable(chosen).toSorted(byAddress), nearness, client);
  return { clusterName: name, endpoints: groups.map(localityLbEndpoints) };
}

/** What is true of all of a service's endpoints, its clusters know: none of them has to say it. */
const toldApart = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.every(({ tls }) => tls)
    ? endpoints.map((endpoint) => ({ ...endpoint, tls: false }))
    : endpoints;

const carries = (endpoint: Endpoint, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value);

/** As in Kubernetes: endpoints that are going away serve as long as there are no others. */
function usable(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.some(({ health }) => health === "healthy")
    ? endpoints
    : endpoints.map((endpoint) => ({ ...endpoint, health: "healthy" }));
}

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
