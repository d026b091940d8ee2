/** Destinations that the mesh does not know, and connections that would never end. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { FilterChain } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import { streamFilter } from "./chain.ts";

/** Where traffic goes whose destination the mesh does not know. */
export const unknownCluster = ({ outboundTrafficPolicy }: MeshSettings): string =>
  outboundTrafficPolicy === "ALLOW_ANY" ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;

/** Connections made to the capture port itself, which would come back for ever. */
export const loopGuard = (settings: MeshSettings, name: string, port: number): FilterChain => ({
  name: `${name}-blackhole`,
  filterChainMatch: { destinationPort: port },
  filters: [streamFilter(settings, BLACK_HOLE_CLUSTER)],
});
