/** A golden as a static bootstrap: what would come over ADS is written in, so that Envoy checks it. */
import type { Configuration } from "../../src/testing/configuration.ts";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** @param secrets of the workload; they also stand in for those that the configuration lacks */
export function staticBootstrap(configuration: Configuration, secrets: readonly Json[]): Json {
  return {
    node: { id: "golden", cluster: "golden" },
    staticResources: {
      secrets: [...secrets, ...otherSecrets(configuration, secrets)],
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
  const { edsClusterConfig, ...rest } = cluster;
  const { serviceName = cluster["name"] } = edsClusterConfig as { readonly serviceName?: string };
  const loadAssignment = ClusterLoadAssignment[String(serviceName)];
  if (loadAssignment === undefined)
    throw new RangeError(`the golden has no endpoints for ${String(cluster["name"])}`);
  return { ...rest, type: "STATIC", loadAssignment };
}

/** Whether all of it is there, not in files that only the proxy's own pod has. */
const isInline = (secret: object): boolean => !JSON.stringify(secret).includes('"filename":');

/** Those that are sent, and stand-ins for files of the proxy's. */
function otherSecrets(configuration: Configuration, secrets: readonly Json[]): readonly Json[] {
  const sent = Object.values(configuration.Secret ?? {}).filter(isInline) as Json[];
  const known = new Set([...secrets, ...sent].map(({ name }) => name));
  const content = (field: string): Json =>
    Object.fromEntries(
      secrets.flatMap(({ [field]: found }) => (found === undefined ? [] : [[field, found]])),
    );
  const asked = (field: string): readonly string[] =>
    [...new Set(namesIn(field, configuration))].filter((name) => !known.has(name));
  return [
    ...sent,
    ...asked("tlsCertificateSdsSecretConfigs").map((name) => ({
      ...content("tlsCertificate"),
      name,
    })),
    ...asked("validationContextSdsSecretConfig").map((name) => ({
      ...content("validationContext"),
      name,
    })),
  ];
}

/** The names of secrets in every field that is called so. */
function namesIn(field: string, value: unknown): readonly string[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === field
      ? [inner].flat().flatMap((one) => (isObject(one) ? [String(one["name"])] : []))
      : namesIn(field, inner),
  );
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
  if (Buffer.isBuffer(value)) return value.toString("base64");
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
