import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type {
  EnvoyFilterSpec,
  EnvoyFilterSpecConfigPatches,
  EnvoyFilterSpecTargetRefs,
} from "../../api/gen/envoy-filter.ts";
import { type KubeObject, objectKey, objectName } from "../../api/object.ts";
import { canonical, type Json } from "../../proto/reflect/json.ts";
import { defined } from "../../util/defined.ts";
import type {
  EnvoyFilter,
  EnvoyMessage,
  EnvoyPatch,
  PatchAspect,
  PatchOperation,
  PatchRole,
  PatchSubject,
} from "../ir/envoy-filter.ts";
import { PATCH_ROLES } from "../ir/envoy-filter.ts";
import { type Origin, originOf } from "../origin.ts";
import { clusterMatch, isForUs, listenerMatch, proxyMatch, routeMatch } from "./envoy-match.ts";

export interface EnvoyFilterModel extends Origin {
  readonly priority: number;
  readonly filter: EnvoyFilter;
  readonly aspects: readonly PatchAspect[];
}

interface Site {
  readonly report: Report;
  readonly source: string;
}

/** https://istio.io/latest/docs/reference/config/networking/envoy-filter/ */
export function lowerEnvoyFilter(object: KubeObject<EnvoyFilterSpec>): Lowered<EnvoyFilterModel> {
  const source = objectName(object);
  const site = { report: new Report(source), source };
  const { configPatches = [], priority = 0 } = object.spec ?? {};
  const patches = configPatches.flatMap(
    (patch, i) => lowerPatch(patch, `spec.configPatches[${i}]`, site) ?? [],
  );
  const selectors = lowerSelectors(object.spec ?? {}, site);
  const filter = { key: objectKey(object), source, selectors, patches };
  const aspects = [...new Set(patches.flatMap(aspectsOf))];
  return {
    value: { ...originOf(object), priority, filter, aspects },
    diagnostics: site.report.diagnostics,
  };
}

/** The label that the pods of a Gateway of the Gateway API have. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

function lowerSelectors(
  { workloadSelector, targetRefs = [] }: EnvoyFilterSpec,
  site: Site,
): EnvoyFilter["selectors"] {
  if (targetRefs.length === 0) return [workloadSelector?.labels ?? {}];
  return targetRefs.flatMap((reference, i) => {
    if (isGateway(reference)) return [{ [GATEWAY_NAME]: reference.name }];
    site.report.add(
      "MESH0141",
      `spec.targetRefs[${i}].kind`,
      `there are no proxies of a ${reference.kind}: name a Gateway of gateway.networking.k8s.io, or use workloadSelector`,
    );
    return [];
  });
}

const isGateway = ({ group, kind }: EnvoyFilterSpecTargetRefs): boolean =>
  kind === "Gateway" && group === "gateway.networking.k8s.io";

const MERGING = ["MERGE", "MERGE_AND_REPLACE_LIST"] as const;
const INSERTING = ["INSERT_FIRST", "INSERT_BEFORE", "INSERT_AFTER"] as const;
const WHOLE = [...MERGING, "ADD", "REMOVE"] as const;
const LISTED = [...WHOLE, ...INSERTING] as const;

/** What each subject is in Envoy's API, and what can be done with it. */
const SUBJECTS: Readonly<
  Record<PatchSubject, { readonly type: string; readonly operations: readonly PatchOperation[] }>
> = {
  LISTENER: { type: "envoy.config.listener.v3.Listener", operations: WHOLE },
  LISTENER_FILTER: {
    type: "envoy.config.listener.v3.ListenerFilter",
    operations: [...LISTED, "REPLACE"],
  },
  FILTER_CHAIN: { type: "envoy.config.listener.v3.FilterChain", operations: WHOLE },
  NETWORK_FILTER: { type: "envoy.config.listener.v3.Filter", operations: [...LISTED, "REPLACE"] },
  HTTP_FILTER: {
    type: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    operations: [...LISTED, "REPLACE"],
  },
  ROUTE_CONFIGURATION: { type: "envoy.config.route.v3.RouteConfiguration", operations: MERGING },
  VIRTUAL_HOST: { type: "envoy.config.route.v3.VirtualHost", operations: WHOLE },
  HTTP_ROUTE: { type: "envoy.config.route.v3.Route", operations: LISTED },
  CLUSTER: { type: "envoy.config.cluster.v3.Cluster", operations: WHOLE },
  EXTENSION_CONFIG: { type: "envoy.config.core.v3.TypedExtensionConfig", operations: ["ADD"] },
};

const isSubject = (name: string): name is PatchSubject => Object.hasOwn(SUBJECTS, name);

const ROLES: Readonly<Record<string, PatchRole>> = {
  SIDECAR_INBOUND: "inbound",
  SIDECAR_OUTBOUND: "outbound",
  GATEWAY: "gateway",
};

function lowerPatch(
  spec: EnvoyFilterSpecConfigPatches,
  path: string,
  site: Site,
): EnvoyPatch | undefined {
  const { match = {}, patch = {} } = spec;
  const subject = lowerSubject(spec, path, site);
  if (subject === undefined || !isForUs(match, `${path}.match`, site.report)) return undefined;
  const operation = lowerOperation(subject, patch.operation, `${path}.patch.operation`, site);
  if (operation === undefined) return undefined;
  const listener = listenerMatch(match.listener);
  const route = routeMatch(match.routeConfiguration);
  const draft = { subject, operation, ...defined({ listener, route }) };
  if (!namesItsTarget(draft, path, site)) return undefined;
  const written = { value: patch.value, path: `${path}.patch.value`, site };
  const value = lowerValue(subject, operation, written);
  if (value === undefined && operation !== "REMOVE") return undefined;
  const more = defined({
    role: ROLES[match.context ?? "ANY"],
    filterClass: lowerClass(patch),
    value,
    proxy: proxyMatch(match.proxy),
    cluster: clusterMatch(match.cluster),
  });
  return { source: site.source, path, ...draft, ...more };
}

const lowerClass = ({
  filterClass,
}: NonNullable<EnvoyFilterSpecConfigPatches["patch"]>): EnvoyPatch["filterClass"] =>
  filterClass === "UNSPECIFIED" ? undefined : filterClass;

function lowerSubject(
  { applyTo = "INVALID" }: EnvoyFilterSpecConfigPatches,
  path: string,
  { report }: Site,
): PatchSubject | undefined {
  if (isSubject(applyTo)) return applyTo;
  report.add(
    "MESH0140",
    `${path}.applyTo`,
    applyTo === "BOOTSTRAP"
      ? "the bootstrap is in the pod before anything can be said of it, and with one that Envoy refuses the pod would not start, so it is not patched: use the annotations of docs/injection.md, or a patch of CLUSTER, LISTENER or HTTP_FILTER"
      : `"${applyTo}" is nothing that a patch can be applied to: use one of ${Object.keys(SUBJECTS).join(", ")}`,
  );
  return undefined;
}

function lowerOperation(
  subject: PatchSubject,
  operation: string | undefined,
  path: string,
  { report }: Site,
): PatchOperation | undefined {
  const { operations } = SUBJECTS[subject];
  const known = operations.find((one) => one === operation);
  if (known === undefined)
    report.add(
      "MESH0140",
      path,
      `${operation ?? "no operation"} is not something that can be done with a ${subject}: use one of ${operations.join(", ")}`,
    );
  return known;
}

type Draft = Pick<EnvoyPatch, "subject" | "operation" | "listener" | "route">;

/** Which field says which of several filters or routes is meant. */
const TARGETS: Readonly<
  Partial<Record<PatchSubject, readonly [path: string, of: (draft: Draft) => unknown]>>
> = {
  HTTP_FILTER: [
    "listener.filterChain.filter.subFilter.name",
    ({ listener }) => listener?.filterChain?.subFilter,
  ],
  NETWORK_FILTER: [
    "listener.filterChain.filter.name",
    ({ listener }) => listener?.filterChain?.filter,
  ],
  LISTENER_FILTER: ["listener.listenerFilter", ({ listener }) => listener?.listenerFilter],
  HTTP_ROUTE: ["routeConfiguration.vhost.route", ({ route }) => route?.route],
};

/** To remove or replace without saying what would be to remove or replace everything. */
function namesItsTarget(draft: Draft, path: string, { report }: Site): boolean {
  const [field, targetOf] = TARGETS[draft.subject] ?? [];
  const mustName = draft.operation === "REMOVE" || draft.operation === "REPLACE";
  if (!mustName || targetOf === undefined || targetOf(draft) !== undefined) return true;
  report.add(
    "MESH0140",
    `${path}.match`,
    `it does not say what to ${draft.operation === "REMOVE" ? "remove" : "replace"}: set ${field}`,
  );
  return false;
}

interface Written {
  readonly value: Readonly<Record<string, unknown>> | undefined;
  readonly path: string;
  readonly site: Site;
}

function lowerValue(
  subject: PatchSubject,
  operation: PatchOperation,
  { value, path, site }: Written,
): EnvoyMessage | undefined {
  if (operation === "REMOVE") return undefined;
  if (value === undefined) {
    site.report.add("MESH0140", path, `${operation} needs a value: write the ${subject} here`);
    return undefined;
  }
  try {
    return checked(subject, operation, canonical(SUBJECTS[subject].type, value as Json), {
      path,
      site,
    });
  } catch (error) {
    site.report.add(
      "MESH0140",
      path,
      `it is no ${SUBJECTS[subject].type} as this Envoy knows it (${error instanceof Error ? error.message : String(error)}): correct it by Envoy's documentation`,
    );
    return undefined;
  }
}

/** Names that the mesh gives to what it makes, so that nothing added can be one of them. */
const TAKEN =
  /^(outbound|inbound)\||^(Inbound)?PassthroughCluster$|^BlackHoleCluster$|^virtual(In|Out)bound$|^[0-9a-f.:]+_\d+$/i;
const NAMED: ReadonlySet<PatchSubject> = new Set([
  "LISTENER",
  "CLUSTER",
  "VIRTUAL_HOST",
  "EXTENSION_CONFIG",
]);

function checked(
  subject: PatchSubject,
  operation: PatchOperation,
  value: EnvoyMessage,
  { path, site }: Omit<Written, "value">,
): EnvoyMessage | undefined {
  if (operation !== "ADD" || !NAMED.has(subject)) return value;
  const { name } = value;
  if (typeof name === "string" && name !== "" && !TAKEN.test(name)) return value;
  site.report.add(
    "MESH0140",
    `${path}.name`,
    name === undefined
      ? `a ${subject} that is added needs a name: set one`
      : `"${told(name)}" is a name that the mesh gives to its own: choose another, or MERGE into the one that is there`,
  );
  return undefined;
}

const told = (name: unknown): string => (typeof name === "string" ? name : "");

const LISTENER_SUBJECTS: ReadonlySet<PatchSubject> = new Set([
  "LISTENER",
  "LISTENER_FILTER",
  "FILTER_CHAIN",
  "NETWORK_FILTER",
  "HTTP_FILTER",
  "EXTENSION_CONFIG",
]);

/** What the patch may change. Routing of what comes in stands in its listener. */
function aspectsOf({ subject, operation, role }: EnvoyPatch): readonly PatchAspect[] {
  const roles = role === undefined ? PATCH_ROLES : [role];
  if (operation === "ADD" && subject === "LISTENER") return ["Added Listener"];
  if (operation === "ADD" && subject === "CLUSTER") return ["Added Cluster"];
  if (subject === "CLUSTER") return roles.map((one): PatchAspect => `Cluster ${one}`);
  if (LISTENER_SUBJECTS.has(subject)) return roles.map((one): PatchAspect => `Listener ${one}`);
  return roles.flatMap((one) => routingAspects(subject, operation, one));
}

function routingAspects(
  subject: PatchSubject,
  operation: PatchOperation,
  role: PatchRole,
): readonly PatchAspect[] {
  if (role === "inbound") return ["Listener inbound"];
  if (subject === "ROUTE_CONFIGURATION") return [`RouteConfiguration ${role}`];
  const isAdded = operation === "ADD" && subject === "VIRTUAL_HOST";
  return [isAdded ? "Added VirtualHost" : `VirtualHost ${role}`];
}
