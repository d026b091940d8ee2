/** The clusters that every proxy has, whatever is in the mesh. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { TrafficPolicy } from "../../model/ir/traffic.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { INBOUND_BIND } from "../address.ts";
import { BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { clusterPolicy, inboundPolicy, overDefaults } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";

/** Goes where the client meant to go, in the version of HTTP that it speaks. */
const originalDestination = (name: string, policy: TrafficPolicy): Cluster => ({
  name,
  type: "ORIGINAL_DST",
  lbPolicy: "CLUSTER_PROVIDED",
  ...clusterPolicy(policy),
  ...protocolOptions("auto", policy),
});

const CLUSTERS: Readonly<Record<string, (settings: MeshSettings) => Cluster>> = {
  [BLACK_HOLE_CLUSTER]: () => ({
    name: BLACK_HOLE_CLUSTER,
    type: "STATIC",
    connectTimeout: "10s",
  }),
  [INBOUND_PASSTHROUGH_CLUSTER]: (settings) => ({
    ...originalDestination(INBOUND_PASSTHROUGH_CLUSTER, inboundPolicy(settings)),
    upstreamBindConfig: INBOUND_BIND,
  }),
  [PASSTHROUGH_CLUSTER]: (settings) =>
    originalDestination(PASSTHROUGH_CLUSTER, overDefaults(settings, {})),
};

const NAMES: Readonly<Record<ProxyView["kind"], readonly string[]>> = {
  sidecar: Object.keys(CLUSTERS).sort(),
  gateway: [BLACK_HOLE_CLUSTER],
  grpc: [],
};

export const staticClusters: Translator = {
  type: "Cluster",
  keys: (_, view) => NAMES[view.kind],
  resource({ settings }, _view, key) {
    const body = CLUSTERS[key]?.(settings);
    return body && { name: key, body, clusters: [] };
  },
};
