/** Names by which statistics call clusters, where the mesh has its own. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { ServicePort } from "../../model/ir/service.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { OpenPort } from "../inbound.ts";
import type { Target } from "./outbound.ts";

/** What https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/ lets patterns name. */
interface Named {
  readonly host: string;
  readonly port: number;
  readonly portName: string;
  readonly targetPort?: number | undefined;
  readonly subset?: string | undefined;
}

export function outboundStatName(
  { traffic }: MeshSettings,
  { cluster, port }: Pick<Target, "cluster" | "port">,
): Cluster {
  const { host, subset } = cluster;
  return statName(traffic?.outboundStatName, { host, ...portOf(port), subset });
}

export const inboundStatName = (
  { traffic }: MeshSettings,
  { host, servicePort, port }: OpenPort,
): Cluster =>
  statName(traffic?.inboundStatName, { host, port: servicePort, portName: "", targetPort: port });

const portOf = ({ port, name }: ServicePort) => ({ port, portName: name });

function statName(pattern: string | undefined, named: Named): Cluster {
  if (pattern === undefined) return {};
  const [name = "", namespace = ""] = named.host.split(".");
  const values: Readonly<Record<string, string>> = {
    SERVICE: namespace === "" ? name : `${name}.${namespace}`,
    SERVICE_NAME: name,
    SERVICE_FQDN: named.host,
    SERVICE_PORT: String(named.port),
    SERVICE_PORT_NAME: named.portName,
    TARGET_PORT: String(named.targetPort ?? named.port),
    SUBSET_NAME: named.subset ?? "",
  };
  // The separator keeps what follows out of the name's own statistics.
  return {
    altStatName: `${pattern.replace(/%([A-Z_]+)%/g, (all, key: string) => values[key] ?? all)};`,
  };
}
