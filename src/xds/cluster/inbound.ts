/** What leads to the application behind a sidecar, one cluster for each port it listens on. */
import type { InboundPort } from "../../model/ir/service.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { INBOUND_BIND } from "../address.ts";
import { inboundClusterName } from "../names.ts";
import type { Translator } from "../translator.ts";
import { clusterPolicy } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";

export const inboundClusters: Translator = {
  type: "Cluster",
  keys: (mesh, view) =>
    view.kind === "gateway"
      ? []
      : (mesh.workload(view.workload)?.ports ?? [])
          .map(({ port }) => inboundClusterName(port))
          .sort(),
  resource(mesh, view, key) {
    const port = mesh
      .workload(view.workload)
      ?.ports.find((p) => inboundClusterName(p.port) === key);
    return port && { name: key, body: inboundCluster(port), clusters: [] };
  },
};

/** The application sees the address that was called, so one that listens on its pod IP is reached. */
const inboundCluster = ({ port, protocol }: InboundPort): Cluster => ({
  name: inboundClusterName(port),
  type: "ORIGINAL_DST",
  lbPolicy: "CLUSTER_PROVIDED",
  ...clusterPolicy({}),
  upstreamBindConfig: INBOUND_BIND,
  ...protocolOptions(protocol),
});
