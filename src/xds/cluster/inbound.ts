/** What leads to the application behind a sidecar, one cluster for each port it listens on. */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Workload } from "../../model/ir/service.ts";
import type { IngressListener } from "../../model/ir/sidecar.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { Address } from "../../proto/gen/envoy/config/core/v3/address.ts";
import { INBOUND_BIND, socketAddress } from "../address.ts";
import { type OpenPort, openPorts } from "../inbound.ts";
import { inboundClusterName } from "../names.ts";
import type { Translator } from "../translator.ts";
import { clusterPolicy, inboundPolicy } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";
import { inboundStatName } from "./stat-name.ts";

export const inboundClusters: Translator = {
  type: "Cluster",
  keys: (mesh, view) =>
    view.kind === "sidecar"
      ? openPorts(mesh, view)
          .map(({ port }) => inboundClusterName(port))
          .sort()
      : [],
  resource(mesh, view, key) {
    const port = openPorts(mesh, view).find((p) => inboundClusterName(p.port) === key);
    if (port === undefined) return undefined;
    const body = inboundCluster(mesh, port, mesh.workload(view.workload));
    return { name: key, body, clusters: [] };
  },
};

function inboundCluster(
  { settings }: Mesh,
  open: OpenPort,
  workload: Workload | undefined,
): Cluster {
  const { port, protocol, endpoint } = open;
  const policy = inboundPolicy(settings, open.policy);
  const name = inboundClusterName(port);
  return {
    name,
    ...inboundStatName(settings, open),
    ...clusterPolicy(policy),
    ...(endpoint === undefined ? CALLED : at(name, addressOf(endpoint, workload))),
    // To its own address a connection must pass capture; to loopback and sockets none leads.
    ...((endpoint === undefined || endpoint.kind === "workload") && {
      upstreamBindConfig: INBOUND_BIND,
    }),
    ...protocolOptions(protocol, policy),
  };
}

/** The application sees the address that was called, so one that listens on its pod IP is reached. */
const CALLED: Cluster = { type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED" };

const at = (clusterName: string, address: Address): Cluster => ({
  type: "STATIC",
  loadAssignment: { clusterName, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
});

function addressOf(
  endpoint: NonNullable<IngressListener["endpoint"]>,
  workload: Workload | undefined,
): Address {
  switch (endpoint.kind) {
    case "pipe":
      return { pipe: { path: endpoint.path } };
    case "address":
      return socketAddress(endpoint.address, endpoint.port);
    case "workload":
      return socketAddress(workload?.addresses[0] ?? LOOPBACK, endpoint.port);
  }
}

const LOOPBACK = "127.0.0.1";
