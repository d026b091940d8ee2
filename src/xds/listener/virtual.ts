/** The two listeners that capture leads to. They bind, so they depend on the workload's addresses. */
import { PORTS } from "../../api/names.ts";
import type { Mesh, MeshSettings } from "../../model/ir/mesh.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "../../proto/gen/envoy/config/listener/v3/listener_components.ts";
import { anyAddress, isIpv6 } from "../address.ts";
import {
  BLACK_HOLE_CLUSTER,
  PASSTHROUGH_CLUSTER,
  VIRTUAL_INBOUND,
  VIRTUAL_OUTBOUND,
} from "../names.ts";
import type { Translated, Translator } from "../translator.ts";
import { streamFilter } from "./chain.ts";
import { virtualInbound } from "./inbound.ts";

export const virtualListeners: Translator = {
  type: "Listener",
  keys: (_, { kind }) => (kind === "sidecar" ? [VIRTUAL_INBOUND, VIRTUAL_OUTBOUND] : []),
  resource(mesh, view, key) {
    const { addresses = [], ports = [] } = mesh.workload(view.workload) ?? {};
    const ipv6 = addresses.some(isIpv6);
    if (key === VIRTUAL_OUTBOUND) return virtualOutbound(mesh, ipv6);
    const body: Listener = {
      name: VIRTUAL_INBOUND,
      ...anyAddress(PORTS.inbound, ipv6),
      trafficDirection: "INBOUND",
    };
    return virtualInbound(mesh.settings, body, ports);
  },
};

/** Where traffic goes whose destination the mesh does not know. */
export const unknownCluster = ({ outboundTrafficPolicy }: MeshSettings): string =>
  outboundTrafficPolicy === "ALLOW_ANY" ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;

/** Connections made to the capture port itself, which would come back for ever. */
export const loopGuard = (settings: MeshSettings, name: string, port: number): FilterChain => ({
  name: `${name}-blackhole`,
  filterChainMatch: { destinationPort: port },
  filters: [streamFilter(settings, BLACK_HOLE_CLUSTER)],
});

function virtualOutbound({ settings }: Mesh, ipv6: boolean): Translated {
  const unknown = unknownCluster(settings);
  const body: Listener = {
    name: VIRTUAL_OUTBOUND,
    ...anyAddress(PORTS.outbound, ipv6),
    useOriginalDst: true,
    trafficDirection: "OUTBOUND",
    filterChains: [loopGuard(settings, VIRTUAL_OUTBOUND, PORTS.outbound)],
    defaultFilterChain: {
      name: `${VIRTUAL_OUTBOUND}-catchall-tcp`,
      filters: [streamFilter(settings, unknown)],
    },
  };
  return { name: VIRTUAL_OUTBOUND, body, clusters: [...new Set([BLACK_HOLE_CLUSTER, unknown])] };
}
