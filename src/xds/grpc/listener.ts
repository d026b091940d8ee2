/**
 * One listener for each address that can be dialled. It listens to nothing: a gRPC library wants
 * its route configuration from it, and the filters to pass.
 *
 * @see https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
 */
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { typed } from "../../proto/types.ts";
import { ADS } from "../config-source.ts";
import { GRPC_FILTERS } from "../filter/order.ts";
import { outboundClusterName } from "../names.ts";
import type { Translator } from "../translator.ts";
import { dialledHosts, dialledName, dialledPorts, parseDialled } from "./name.ts";

/** What is dialled, and after a slash the host and port that are meant, if they are called otherwise. */
const listenerKey = (dialled: string, meant: string): string => `${dialled}/${meant}`;

export const apiListeners: Translator = {
  type: "Listener",
  groups: dialledHosts,
  keys(mesh, { namespace }, host) {
    const names = mesh.names(host, namespace);
    return dialledPorts(mesh, host, namespace)
      .flatMap((meant) => [
        dialledName(meant),
        ...names.map((name) =>
          listenerKey(dialledName({ ...meant, host: name }), dialledName(meant)),
        ),
      ])
      .sort();
  },
  resource(_mesh, _view, key) {
    const [name = key, meant = name] = key.split("/");
    return { name, body: apiListener(name, meant), clusters: [] };
  },
};

function apiListener(name: string, meant: string): Listener {
  return {
    name,
    apiListener: {
      apiListener: typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        {
          statPrefix: name,
          rds: { routeConfigName: outboundClusterName(parseDialled(meant)), configSource: ADS },
          httpFilters: [...GRPC_FILTERS],
        },
      ),
    },
  };
}
