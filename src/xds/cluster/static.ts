/** The clusters that every proxy has, whatever is in the mesh. */
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { INBOUND_BIND } from "../address.ts";
import { BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import type { Translator } from "../translator.ts";
import { clusterPolicy } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";

/** Goes where the client meant to go, in the version of HTTP that it speaks. */
const originalDestination = (name: string): Cluster => ({
  name,
  type: "ORIGINAL_DST",
  lbPolicy: "CLUSTER_PROVIDED",
  ...clusterPolicy({}),
  ...protocolOptions("auto"),
});

const CLUSTERS: Readonly<Record<string, Cluster>> = {
  [BLACK_HOLE_CLUSTER]: { name: BLACK_HOLE_CLUSTER, type: "STATIC", connectTimeout: "10s" },
  [INBOUND_PASSTHROUGH_CLUSTER]: {
    ...originalDestination(INBOUND_PASSTHROUGH_CLUSTER),
    upstreamBindConfig: INBOUND_BIND,
  },
  [PASSTHROUGH_CLUSTER]: originalDestination(PASSTHROUGH_CLUSTER),
};

const SIDECAR = Object.keys(CLUSTERS).sort();
const GATEWAY = [BLACK_HOLE_CLUSTER];

export const staticClusters: Translator = {
  type: "Cluster",
  keys: (_, view) => (view.kind === "sidecar" ? SIDECAR : GATEWAY),
  resource(_mesh, _view, key) {
    const body = CLUSTERS[key];
    return body && { name: key, body, clusters: [] };
  },
};
