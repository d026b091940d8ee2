/** The two listeners that capture leads to. They bind, so they depend on the workload's addresses. */
import { PORTS } from "../../api/names.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { anyAddress, isIpv6 } from "../address.ts";
import { BLACK_HOLE_CLUSTER, VIRTUAL_INBOUND, VIRTUAL_OUTBOUND } from "../names.ts";
import { unknownCluster } from "../route/unknown.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { streamFilter } from "./chain.ts";
import { virtualInbound } from "./inbound.ts";
import { loopGuard } from "./unknown.ts";

export const virtualListeners: Translator = {
  type: "Listener",
  keys: (_, { kind }) => (kind === "sidecar" ? [VIRTUAL_INBOUND, VIRTUAL_OUTBOUND] : []),
  resource(mesh, view, key) {
    const { addresses = [] } = mesh.workload(view.workload) ?? {};
    const ipv6 = addresses.some(isIpv6);
    if (key === VIRTUAL_OUTBOUND) return virtualOutbound(mesh, view, ipv6);
    const body: Listener = {
      name: VIRTUAL_INBOUND,
      ...anyAddress(PORTS.inbound, ipv6),
      trafficDirection: "INBOUND",
    };
    return virtualInbound(mesh, view, body);
  },
};

function virtualOutbound(mesh: Mesh, view: ProxyView, ipv6: boolean): Translated {
  const { settings } = mesh;
  const unknown = unknownCluster(mesh.unknownTraffic(view));
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
