/** Route configurations are empty but for the way to their virtual hosts, so they hardly change. */
import type { RouteConfiguration } from "../../proto/gen/envoy/config/route/v3/route.ts";
import { ADS } from "../config-source.ts";
import { hostRoute, portRoute } from "../names.ts";
import type { Translator } from "../translator.ts";
import { detectedPorts } from "./detected.ts";

const MAX_BODY_BYTES = 1_048_576;

export const routeConfiguration = (name: string): RouteConfiguration => ({
  name,
  vhds: { configSource: ADS },
  ignorePortInHostMatching: true,
  maxDirectResponseBodySizeBytes: MAX_BODY_BYTES,
});

const configuration: Translator["resource"] = (_mesh, _view, key) => ({
  name: key,
  body: routeConfiguration(key),
  clusters: [],
});

/** One for each port on which any host speaks HTTP. */
export const portRoutes: Translator = {
  type: "RouteConfiguration",
  keys: (mesh, view) =>
    view.kind === "sidecar" ? mesh.httpPorts(mesh.scope(view)).map(portRoute).sort() : [],
  resource: configuration,
};

/** One for each port of a host that may turn out to speak HTTP. */
export const detectedRoutes: Translator = {
  type: "RouteConfiguration",
  groups: (mesh, view) => (view.kind === "sidecar" ? mesh.streamHosts(mesh.scope(view)) : []),
  keys: (mesh, { namespace }, host) =>
    detectedPorts(mesh, host, namespace)
      .map((port) => hostRoute(host, port))
      .sort(),
  resource: configuration,
};
