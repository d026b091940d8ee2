/**
 * The annotation `proxy.istio.io/config`: for one pod what the mesh's `defaultConfig` is for all. What
 * is decided when a pod is created is followed; of the rest the user is told.
 */
import { parse } from "yaml";
import { MeshError } from "../../util/errors.ts";
import { parseBool } from "./values.ts";

export const PROXY_CONFIG = "proxy.istio.io/config";

export const INTERCEPTION_MODES = ["REDIRECT", "TPROXY", "NONE"];

/** What the annotation asks of a sidecar. */
export interface ProxyConfig {
  /** Worker threads; 0: one for each processor that the container sees. */
  readonly concurrency?: number;
  readonly interceptionMode?: string;
  readonly dnsCapture?: boolean;
  readonly stats: Readonly<Record<"prefixes" | "suffixes" | "regexes", readonly string[]>>;
  readonly warnings: readonly string[];
}

/** Followed for all proxies alike, from the MeshConfig. */
const MESH_WIDE = ["gatewayTopology", "proxyHeaders", "connectionSettings"];

/** Known, and without effect here. */
const WITHOUT_EFFECT = [
  ..."configPath binaryPath customConfigFile proxyBootstrapTemplatePath serviceCluster".split(" "),
  ..."drainDuration terminationDrainDuration discoveryAddress discoveryRefreshDelay".split(" "),
  ..."zipkinAddress statsdUdpAddress envoyMetricsServiceAddress proxyAdminPort".split(" "),
  ..."controlPlaneAuthPolicy statNameLength tracing sds envoyAccessLogService".split(" "),
  ..."envoyMetricsService runtimeValues statusPort extraStatTags".split(" "),
  ..."meshId readinessProbe caCertificatesPem image privateKeyProvider".split(" "),
  ..."availabilityZone tracingServiceName fileFlushInterval fileFlushMinSizeKb".split(" "),
  "statsCompression",
];

/**
 * @param object names the pod in messages
 * @throws MeshError `MESH0601` if it is no YAML, or a field that is followed has a value that it cannot have
 */
export function proxyConfig(text: string | undefined, object: string): ProxyConfig {
  const fields = text === undefined ? {} : fieldsOf(text, object);
  const reader = new Reader(fields, object);
  const concurrency = reader.whole("concurrency");
  const interceptionMode = reader.oneOf("interceptionMode", INTERCEPTION_MODES);
  const matcher = new Reader(reader.nested("proxyStatsMatcher"), object, "proxyStatsMatcher.");
  const stats = {
    prefixes: matcher.list("inclusionPrefixes"),
    suffixes: matcher.list("inclusionSuffixes"),
    regexes: matcher.list("inclusionRegexps"),
  };
  const metadata = new Reader(reader.nested("proxyMetadata"), object, "proxyMetadata.");
  const dnsCapture = metadata.bool("ISTIO_META_DNS_CAPTURE");
  // Addresses are always allocated.
  metadata.take("ISTIO_META_DNS_AUTO_ALLOCATE");
  const holds = reader.take("holdApplicationUntilProxyStarts");
  const warnings = [
    ...(holds === false
      ? [`${told("holdApplicationUntilProxyStarts")} is ignored, applications always wait`]
      : []),
    ...(interceptionMode === "TPROXY"
      ? [`${told("interceptionMode")} TPROXY is not supported, REDIRECT is used`]
      : []),
    ...matcher.rest().map(unknownField),
    ...metadata.rest().map(withoutEffect),
    ...reader.rest().map(warningOf),
  ];
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(interceptionMode !== undefined && { interceptionMode }),
    ...(dnsCapture !== undefined && { dnsCapture }),
    stats,
    warnings,
  };
}

const told = (field: string): string => `annotation ${PROXY_CONFIG}: ${field}`;

const unknownField = (field: string): string =>
  `${told(field)} is no field of a ProxyConfig, and is ignored: correct its name`;

const withoutEffect = (field: string): string =>
  `${told(field)} has no effect here: docs/injection.md has the annotations that have`;

function warningOf(field: string): string {
  if (MESH_WIDE.includes(field))
    return `${told(field)} is followed for the whole mesh only: set spec.mesh.defaultConfig.${field} of the MeshConfig`;
  if (WITHOUT_EFFECT.includes(field)) return withoutEffect(field);
  return unknownField(field);
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isScalar = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);

/** Fields may be written in either spelling of protobuf. */
function fieldsOf(text: string, object: string): Fields {
  const parsed = parsedYaml(text, object);
  if (parsed === null || parsed === undefined) return {};
  if (!isFields(parsed)) throw refused(object, "the whole", "an object in YAML, `field: value`");
  return camelCased(parsed);
}

function parsedYaml(text: string, object: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    const [reason = ""] = String(error).split("\n");
    throw refused(object, "the whole", `YAML (${reason})`);
  }
}

const camelCased = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

const refused = (object: string, field: string, want: string): MeshError =>
  new MeshError("MESH0601", `${object}: annotation ${PROXY_CONFIG}: ${field} is not ${want}`, {
    hint: "correct the annotation in the pod's template, or remove it to have the mesh's defaults",
  });

const INT32_MAX = 2 ** 31 - 1;

/** Takes fields out one by one, so that those nobody has asked for are left. */
class Reader {
  readonly #fields: Map<string, unknown>;
  readonly #object: string;
  readonly #prefix: string;

  constructor(fields: Fields, object: string, prefix = "") {
    this.#fields = new Map(Object.entries(fields));
    this.#object = object;
    this.#prefix = prefix;
  }

  take(name: string): unknown {
    const value = this.#fields.get(name);
    this.#fields.delete(name);
    return value ?? undefined;
  }

  whole(name: string): number | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= INT32_MAX)
      return value;
    throw this.#refused(name, `a whole number from 0 to ${INT32_MAX}`);
  }

  /** Where values are texts, in which YAML may see more. */
  bool(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    const bool = isScalar(value) ? parseBool(String(value)) : undefined;
    if (bool === undefined) throw this.#refused(name, "true or false");
    return bool;
  }

  oneOf(name: string, values: readonly string[]): string | undefined {
    const value = this.take(name);
    if (value === undefined || (typeof value === "string" && values.includes(value))) return value;
    throw this.#refused(name, `one of ${values.join(", ")}`);
  }

  list(name: string): readonly string[] {
    const value = this.take(name) ?? [];
    if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== ""))
      return value;
    throw this.#refused(name, "a list of texts");
  }

  nested(name: string): Fields {
    const value = this.take(name) ?? {};
    if (isFields(value)) return camelCased(value);
    throw this.#refused(name, "an object");
  }

  /** Names of what has not been taken. */
  rest(): readonly string[] {
    return [...this.#fields.keys()].map((name) => this.#prefix + name);
  }

  #refused(name: string, want: string): MeshError {
    return refused(this.#object, this.#prefix + name, want);
  }
}
