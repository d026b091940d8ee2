/** A golden as a static bootstrap: what would come over ADS is written in, so that Envoy checks it. */
import type { Configuration } from "../../src/testing/configuration.ts";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** @param secrets what SDS would bring */
export function staticBootstrap(configuration: Configuration, secrets: readonly Json[]): Json {
  return {
    node: { id: "golden", cluster: "golden" },
    staticResources: {
      secrets,
      clusters: Object.values(configuration.Cluster ?? {}).map((cluster) =>
        withSecrets(withEndpoints(cluster as Json, configuration)),
      ),
      listeners: Object.values(configuration.Listener ?? {}).map((listener) =>
        withSecrets(withRoutes(listener, configuration)),
      ),
    },
  };
}

/** Envoy looks at endpoints only where they are its own. */
function withEndpoints(cluster: Json, { ClusterLoadAssignment = {} }: Configuration): Json {
  if (cluster["type"] !== "EDS") return cluster;
  const { edsClusterConfig: _, ...rest } = cluster;
  const loadAssignment = ClusterLoadAssignment[String(cluster["name"])];
  if (loadAssignment === undefined)
    throw new RangeError(`the golden has no endpoints for ${String(cluster["name"])}`);
  return { ...rest, type: "STATIC", loadAssignment };
}

/** A secret without a source is one of the bootstrap's own. */
const withSecrets = (value: unknown): unknown => rebuilt(value, "sdsConfig", () => []);

/** Replaces every `rds` by the route configuration that it names, with all its virtual hosts. */
const withRoutes = (value: unknown, configuration: Configuration): unknown =>
  rebuilt(value, "rds", (rds) => [
    ["routeConfig", inlined(String(rds["routeConfigName"]), configuration)],
  ]);

type Entries = readonly (readonly [string, unknown])[];

/** The value with every field of that name, at any depth, replaced by others. */
function rebuilt(value: unknown, field: string, replace: (inner: Json) => Entries): unknown {
  if (Array.isArray(value)) return value.map((item) => rebuilt(item, field, replace));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(
      ([name, inner]): Entries =>
        name === field && isObject(inner)
          ? replace(inner)
          : [[name, rebuilt(inner, field, replace)]],
    ),
  );
}

function inlined(name: string, { RouteConfiguration = {}, VirtualHost = {} }: Configuration): Json {
  const route = RouteConfiguration[name];
  if (route === undefined) throw new RangeError(`the golden has no route configuration ${name}`);
  const { vhds: _, ...rest } = route as Json;
  const virtualHosts = Object.entries(VirtualHost)
    .filter(([key]) => key.startsWith(`${name}/`))
    .map(([, host]) => host);
  if (virtualHosts.length === 0)
    throw new RangeError(
      `the golden has no virtual host in ${name}: its listener would never warm`,
    );
  // Destinations that are nowhere are answered 503, not refused: so it is over ADS.
  return { ...rest, virtualHosts, validateClusters: false };
}
