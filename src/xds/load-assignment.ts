/** Endpoints as Envoy lists them: by locality, those that are going away only if there are no others. */
import type { Endpoint } from "../model/ir/service.ts";
import type { Locality } from "../proto/gen/envoy/config/core/v3/base.ts";
import type { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from "../proto/gen/envoy/config/endpoint/v3/endpoint_components.ts";
import { endpointAddress } from "./address.ts";

/** Key of endpoint metadata by which a cluster chooses its transport socket. */
export const TLS_MODE = "tlsMode";
export const MUTUAL = "istio";

interface Wanted {
  /** Of the cluster. */
  readonly name: string;
  readonly portName: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function loadAssignment(
  { name, portName, labels }: Wanted,
  endpoints: readonly Endpoint[],
): ClusterLoadAssignment {
  const chosen = endpoints.filter((e) => e.portName === portName && carries(e, labels));
  return { clusterName: name, endpoints: byLocality(usable(chosen)) };
}

const carries = (endpoint: Endpoint, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value);

/** As in Kubernetes: endpoints that are going away serve as long as there are no others. */
function usable(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.some(({ health }) => health === "healthy")
    ? endpoints
    : endpoints.map((endpoint) => ({ ...endpoint, health: "healthy" }));
}

const localityKey = ({ locality: { region, zone, subzone = "" } }: Endpoint): string =>
  `${region}/${zone}/${subzone}`;

function byLocality(endpoints: readonly Endpoint[]): LocalityLbEndpoints[] {
  const groups = Map.groupBy(endpoints.toSorted(byAddress), localityKey);
  return [...groups]
    .sort(([a], [b]) => compare(a, b))
    .map(([, members]) => ({
      ...(members[0] && { locality: lbLocality(members[0].locality) }),
      lbEndpoints: members.map(lbEndpoint),
      loadBalancingWeight: members.reduce((sum, { weight = 1 }) => sum + weight, 0),
    }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byAddress = (a: Endpoint, b: Endpoint): number =>
  compare(a.address, b.address) || a.port - b.port;

const lbLocality = ({ region, zone, subzone }: Endpoint["locality"]): Locality => ({
  region,
  zone,
  ...(subzone !== undefined && { subZone: subzone }),
});

function lbEndpoint({ address, port, health, tls, weight }: Endpoint): LbEndpoint {
  return {
    endpoint: { address: endpointAddress(address, port) },
    ...(weight !== undefined && { loadBalancingWeight: weight }),
    ...(health === "draining" && { healthStatus: "DRAINING" }),
    ...(tls && {
      metadata: { filterMetadata: { "envoy.transport_socket_match": { [TLS_MODE]: MUTUAL } } },
    }),
  };
}
