import type { Mesh } from "../../model/ir/mesh.ts";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { anyAddress, isIpv6 } from "../address.ts";
import { isHttpServer, serversByPort } from "../gateway.ts";
import { gatewayRoute, listenerName, parseListener } from "../names.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { byRds, httpFilter } from "./chain.ts";

export const gatewayListeners: Translator = {
  type: "Listener",
  keys: (mesh, view) =>
    gatewayHttpPorts(mesh, view)
      .map((port) => listenerName("0.0.0.0", port))
      .sort(),
  resource: (mesh, view, key) => gatewayListener(mesh, view, key),
};

export const gatewayHttpPorts = (mesh: Mesh, view: ProxyView): readonly number[] =>
  [...serversByPort(mesh, view)]
    .filter(([, servers]) => servers.some(isHttpServer))
    .map(([port]) => port);

function gatewayListener(mesh: Mesh, view: ProxyView, name: string): Translated {
  const { port } = parseListener(name);
  const { addresses = [] } = mesh.workload(view.workload) ?? {};
  const http = httpFilter(mesh.settings, {
    direction: "gateway",
    statPrefix: `outbound_${name}`,
    routing: byRds(gatewayRoute(port)),
  });
  const body: Listener = {
    name,
    ...anyAddress(port, addresses.some(isIpv6)),
    trafficDirection: "OUTBOUND",
    filterChains: [{ filters: [http] }],
  };
  return { name, body, clusters: [] };
}
