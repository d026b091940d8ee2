import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { FilterChain } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { BLACK_HOLE_CLUSTER } from "../names.ts";
import { streamFilter } from "./chain.ts";

/** Connections made to the capture port itself, which would come back for ever. */
export const loopGuard = (settings: MeshSettings, name: string, port: number): FilterChain => ({
  name: `${name}-blackhole`,
  filterChainMatch: { destinationPort: port },
  filters: [streamFilter(settings, BLACK_HOLE_CLUSTER)],
});
