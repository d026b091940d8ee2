import { RE2JS } from "re2js";
import type { ResourceRequirements, Volume, VolumeMount } from "../../api/gen/kubernetes.ts";
import { PORTS } from "../../api/names.ts";
import { isIp, isSubnet } from "../../util/ip.ts";
import type { StatsInclusion } from "../../xds/bootstrap.ts";
import { isComponentLevel, LOG_LEVELS } from "../../xds/log-levels.ts";
import { asksForDns } from "./dns.ts";
import { DEFAULT_RESOURCES } from "./proxy.ts";
import { INTERCEPTION_MODES, PROXY_CONFIG, proxyConfig } from "./proxy-config.ts";
import { quantityBytes } from "./quantity.ts";
import { type Named, namedObjects, parseBool, refused } from "./values.ts";

/** What a pod's annotations ask of its sidecar. */
export interface SidecarSettings {
  readonly image: string | undefined;
  readonly resources: ResourceRequirements;
  readonly logLevel: string;
  readonly componentLogLevel: string | undefined;
  readonly rewriteProbes: boolean;
  readonly stats: StatsInclusion;
  readonly concurrency: number;
  /** Arguments of the capture program; `undefined` leaves the pod's traffic alone. */
  readonly capture: readonly string[] | undefined;
  /** Whether the proxy is to take the pod's DNS; `undefined`: as the mesh has it. */
  readonly dns: boolean | undefined;
  /** For the proxy to mount; the pod's own are mounted by the same names. */
  readonly volumes: readonly Volume[];
  readonly mounts: readonly VolumeMount[];
  readonly warnings: readonly string[];
}

/** Threads of a sidecar that says nothing of it. */
const CONCURRENCY = 2;

type Annotations = Readonly<Record<string, string>>;

const SIDECAR = "sidecar.istio.io";
const TRAFFIC = "traffic.sidecar.istio.io";

/**
 * @param object names the pod in messages
 * @throws MeshError `MESH0601` if an annotation cannot be followed as written
 */
export function sidecarSettings(annotations: Annotations, object: string): SidecarSettings {
  const list = (name: string): readonly string[] => split(annotations[`${SIDECAR}/${name}`]);
  const word = (name: keyof typeof WORDS): string | undefined => checked(annotations, name, object);
  const config = proxyConfig(annotations[PROXY_CONFIG], object);
  const mode = word("interceptionMode") ?? config.interceptionMode;
  return {
    image: word("proxyImage"),
    resources: resources(annotations, object),
    logLevel: word("logLevel") ?? "warning",
    componentLogLevel: componentLevels(list("componentLogLevel"), object),
    rewriteProbes: parseBool(word("rewriteAppHTTPProbers") ?? "true") === true,
    stats: {
      prefixes: [...list("statsInclusionPrefixes"), ...config.stats.prefixes],
      suffixes: [...list("statsInclusionSuffixes"), ...config.stats.suffixes],
      regexes: [
        ...readable(list("statsInclusionRegexps"), `${SIDECAR}/statsInclusionRegexps`, object),
        ...readable(config.stats.regexes, PROXY_CONFIG, object),
      ],
    },
    concurrency: config.concurrency ?? CONCURRENCY,
    capture: mode === "NONE" ? undefined : captureArguments(annotations, object),
    dns: asksForDns(annotations, object) ?? config.dnsCapture,
    volumes: volumes(annotations, object),
    mounts: mounts(annotations, object),
    warnings: [...warnings(annotations), ...config.warnings],
  };
}

const split = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

interface Form {
  readonly isValid: (text: string) => boolean;
  /** Completes "which is not …". */
  readonly want: string;
}

const oneOf = (values: readonly string[]): Form => ({
  isValid: (text) => values.includes(text),
  want: `one of ${values.join(", ")}`,
});

const WORDS = {
  interceptionMode: oneOf(INTERCEPTION_MODES),
  logLevel: oneOf(LOG_LEVELS),
  proxyImage: { isValid: (text) => /^\S+$/.test(text), want: "an image" },
  rewriteAppHTTPProbers: {
    isValid: (text) => parseBool(text) !== undefined,
    want: "true or false",
  },
} as const satisfies Record<string, Form>;

function checked(
  annotations: Annotations,
  name: keyof typeof WORDS,
  object: string,
): string | undefined {
  const annotation = `${SIDECAR}/${name}`;
  const value = annotations[annotation];
  const { isValid, want } = WORDS[name];
  if (value === undefined || isValid(value)) return value;
  throw refused({ object, annotation, value }, want);
}

/** Envoy takes no spaces between them. */
function componentLevels(levels: readonly string[], object: string): string | undefined {
  const value = levels.find((level) => !isComponentLevel(level));
  if (value === undefined) return levels.join(",") || undefined;
  throw refused(
    { object, annotation: `${SIDECAR}/componentLogLevel`, value },
    "a list of component:level, each as Envoy names it",
  );
}

/** A bootstrap with an expression that Envoy does not take would keep the pod from starting. */
function readable(
  regexes: readonly string[],
  annotation: string,
  object: string,
): readonly string[] {
  for (const regex of regexes)
    try {
      RE2JS.compile(regex);
    } catch {
      // The library says so by throwing.
      throw refused({ object, annotation, value: regex }, "a regular expression in RE2 syntax");
    }
  return regexes;
}

const RESOURCES = {
  requests: { cpu: "proxyCPU", memory: "proxyMemory" },
  limits: { cpu: "proxyCPULimit", memory: "proxyMemoryLimit" },
} as const;

/** As Istio: one annotation replaces the defaults altogether, so that requests never exceed limits. */
function resources(annotations: Annotations, object: string): ResourceRequirements {
  const pick = (names: { readonly cpu: string; readonly memory: string }) => {
    const chosen: Record<string, string> = {};
    for (const [resource, name] of Object.entries(names)) {
      const annotation = `${SIDECAR}/${name}`;
      const value = annotations[annotation];
      if (value === undefined) continue;
      if (quantityBytes(value) === undefined)
        throw refused({ object, annotation, value }, "a quantity such as 100m or 128Mi");
      chosen[resource] = value;
    }
    return chosen;
  };
  const [requests, limits] = [pick(RESOURCES.requests), pick(RESOURCES.limits)];
  if (Object.keys({ ...requests, ...limits }).length === 0) return DEFAULT_RESOURCES;
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

/** A zero in front would make it octal to the kernel's tools. */
const isPort = (text: string): boolean => /^[1-9][0-9]{0,4}$/.test(text) && Number(text) < 65_536;

const isRange = (text: string): boolean => isIp(text) || isSubnet(text);

interface Captured extends Form {
  readonly name: string;
  readonly flag: string;
  /** Whether `*` stands for all; it is then the default, and empty means none. */
  readonly all: boolean;
}

const CAPTURE: readonly Captured[] = [
  {
    name: "includeOutboundIPRanges",
    flag: "--include-outbound-ranges",
    isValid: isRange,
    want: "a list of CIDRs or *",
    all: true,
  },
  {
    name: "excludeOutboundIPRanges",
    flag: "--exclude-outbound-ranges",
    isValid: isRange,
    want: "a list of CIDRs",
    all: false,
  },
  {
    name: "includeOutboundPorts",
    flag: "--include-outbound-ports",
    isValid: isPort,
    want: "a list of ports",
    all: false,
  },
  {
    name: "excludeOutboundPorts",
    flag: "--exclude-outbound-ports",
    isValid: isPort,
    want: "a list of ports",
    all: false,
  },
  {
    name: "includeInboundPorts",
    flag: "--include-inbound-ports",
    isValid: isPort,
    want: "a list of ports or *",
    all: true,
  },
  {
    name: "excludeInboundPorts",
    flag: "--exclude-inbound-ports",
    isValid: isPort,
    want: "a list of ports",
    all: false,
  },
];

/** The arguments of `capture`, without those that say what it does by default. */
function captureArguments(annotations: Annotations, object: string): readonly string[] {
  return CAPTURE.flatMap(({ name, flag, isValid, want, all }) => {
    const annotation = `${TRAFFIC}/${name}`;
    const value = annotations[annotation];
    if (value === undefined || (all && value.trim() === "*")) return [];
    const parts = split(value);
    const bad = parts.find((part) => !isValid(part));
    if (bad !== undefined) throw refused({ object, annotation, value: bad }, want);
    return parts.length > 0 || all ? [flag, parts.join(",")] : [];
  });
}

function volumes(annotations: Annotations, object: string): readonly Volume[] {
  const annotation = `${SIDECAR}/userVolume`;
  const value = annotations[annotation];
  if (value === undefined) return [];
  const found = namedObjects(value);
  if (found !== undefined) return found;
  throw refused({ object, annotation, value }, "a JSON array of volumes, each with its name");
}

function mounts(annotations: Annotations, object: string): readonly VolumeMount[] {
  const annotation = `${SIDECAR}/userVolumeMount`;
  const value = annotations[annotation];
  if (value === undefined) return [];
  const found = namedObjects(value);
  if (found?.every(isMount)) return found;
  throw refused(
    { object, annotation, value },
    "a JSON array of mounts, each with the name of its volume and a mountPath",
  );
}

const isMount = (one: Named): one is Named & VolumeMount => typeof one["mountPath"] === "string";

const VIRTUAL = `is ignored, all that comes by an interface is taken for inbound: list the ports that the pod serves in ${TRAFFIC}/includeInboundPorts, and the rest passes by the proxy`;

/** What is said to whoever writes them. */
const IGNORED: Readonly<Record<string, string>> = {
  [`${TRAFFIC}/excludeInterfaces`]:
    "is ignored, every interface is captured: exclude ports or addresses",
  [`${TRAFFIC}/kubevirtInterfaces`]: VIRTUAL,
  "istio.io/reroute-virtual-interfaces": VIRTUAL,
  [`${SIDECAR}/bootstrapOverride`]:
    "is ignored, the bootstrap is the mesh's own: patch what the proxy is sent with an EnvoyFilter",
  [`status.${SIDECAR}/port`]: `is ignored: that the proxy is ready it says on port ${PORTS.readiness}`,
  [`${SIDECAR}/discoveryAddress`]:
    "is ignored, the proxy has the control plane that injects it: choose that by the label istio.io/rev",
};

/** Annotations of Istio that change nothing here, and would be missed. */
function warnings(annotations: Annotations): string[] {
  const found: string[] = [];
  if (annotations[`${SIDECAR}/interceptionMode`] === "TPROXY")
    found.push(`annotation ${SIDECAR}/interceptionMode: TPROXY is not supported, REDIRECT is used`);
  if (parseBool(annotations[`${SIDECAR}/nativeSidecar`] ?? "") === false)
    found.push(`annotation ${SIDECAR}/nativeSidecar: false is ignored, sidecars are always native`);
  for (const [annotation, remedy] of Object.entries(IGNORED))
    if (annotation in annotations) found.push(`annotation ${annotation} ${remedy}`);
  return found;
}
