/** Where a service's traffic can go. */
import type { Endpoint } from "../model/ir/service.ts";
import type { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from "../proto/gen/envoy/config/endpoint/v3/endpoint_components.ts";
import { socketAddress } from "./address.ts";
import { outboundClusterNames, targetOf } from "./cluster/outbound.ts";
import { MUTUAL, TLS_MODE } from "./cluster/tls.ts";
import type { Translator } from "./translator.ts";

export const clusterLoadAssignments: Translator = {
  type: "ClusterLoadAssignment",
  groups: (mesh, { namespace }) => mesh.hosts(namespace),
  keys: (mesh, view, host) =>
    outboundClusterNames(mesh, host, view.namespace).filter(
      (name) => targetOf(mesh, view, name)?.endpoints === "listed",
    ),
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    if (target?.endpoints !== "listed") return undefined;
    const { cluster, port, labels } = target;
    const wanted = { name: key, portName: port.name, labels };
    const body = loadAssignment(wanted, mesh.endpoints(cluster.host));
    return { name: key, body, clusters: [] };
  },
};

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

const localityKey = ({ locality: { region, zone } }: Endpoint): string => `${region}/${zone}`;

function byLocality(endpoints: readonly Endpoint[]): LocalityLbEndpoints[] {
  const groups = Map.groupBy(endpoints.toSorted(byAddress), localityKey);
  return [...groups]
    .sort(([a], [b]) => compare(a, b))
    .map(([, members]) => ({
      ...(members[0] && { locality: members[0].locality }),
      lbEndpoints: members.map(lbEndpoint),
      loadBalancingWeight: members.length,
    }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byAddress = (a: Endpoint, b: Endpoint): number =>
  compare(a.address, b.address) || a.port - b.port;

function lbEndpoint({ address, port, health, tls }: Endpoint): LbEndpoint {
  return {
    endpoint: { address: socketAddress(address, port) },
    ...(health === "draining" && { healthStatus: "DRAINING" }),
    ...(tls && {
      metadata: { filterMetadata: { "envoy.transport_socket_match": { [TLS_MODE]: MUTUAL } } },
    }),
  };
}
