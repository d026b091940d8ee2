/** What a patch of an EnvoyFilter is for. */
import type { Report } from "../../api/codes.ts";
import type {
  EnvoyFilterSpecConfigPatchesMatchCluster as ClusterSpec,
  EnvoyFilterSpecConfigPatchesMatchListener as ListenerSpec,
  EnvoyFilterSpecConfigPatchesMatch as Match,
  EnvoyFilterSpecConfigPatchesMatchProxy as ProxySpec,
  EnvoyFilterSpecConfigPatchesMatchRouteConfiguration as RouteSpec,
} from "../../api/gen/envoy-filter.ts";
import { defined } from "../../util/defined.ts";
import type {
  ClusterMatch,
  EnvoyPatch,
  ListenerMatch,
  RouteConfigurationMatch,
} from "../ir/envoy-filter.ts";
import { matchesRegex, regexFault } from "../regex.ts";

/** What our proxies would say of themselves if they were Istio's: the API that we read is this one's. */
const ISTIO_VERSION = "1.31.4";

/** What Istio's proxies say of themselves that is the same for all of ours. */
const COMMON_METADATA: Readonly<Record<string, string>> = {
  ISTIO_VERSION,
  CLUSTER_ID: "Kubernetes",
};
const OWN_METADATA = ["NAMESPACE", "SERVICE_ACCOUNT"];

/** Whether any proxy of ours can be meant, as far as that can be known without looking at them. */
const CONTEXTS: readonly string[] = ["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"];

export function isForUs({ context, proxy = {} }: Match, path: string, report: Report): boolean {
  if (context === "WAYPOINT") {
    report.add("MESH0141", `${path}.context`, "there are no waypoints: use another context");
    return false;
  }
  if (context !== undefined && !CONTEXTS.includes(context)) {
    report.add(
      "MESH0141",
      `${path}.context`,
      `"${String(context)}" is no context that is known here, so the patch is for no proxy: use one of ${CONTEXTS.join(", ")}`,
    );
    return false;
  }
  const { proxyVersion = "", metadata = {} } = proxy;
  const isOurs = Object.entries(metadata).every(([name, value]) => {
    if (Object.hasOwn(COMMON_METADATA, name)) return COMMON_METADATA[name] === value;
    if (OWN_METADATA.includes(name)) return true;
    report.add(
      "MESH0141",
      `${path}.proxy.metadata`,
      `proxies are not asked for metadata, so nothing has ${name}: use workloadSelector, or one of ${[...Object.keys(COMMON_METADATA), ...OWN_METADATA].join(", ")}`,
    );
    return false;
  });
  if (!isOurs) return false;
  return proxyVersion === "" || isOurVersion(proxyVersion, `${path}.proxy.proxyVersion`, report);
}

function isOurVersion(pattern: string, path: string, report: Report): boolean {
  const fault = regexFault(pattern);
  if (fault === undefined) return matchesRegex(pattern, ISTIO_VERSION);
  report.add("MESH0102", path, `"${pattern}" is no regular expression (${fault}): correct it`);
  return false;
}

export function proxyMatch({ metadata = {} }: ProxySpec = {}): EnvoyPatch["proxy"] {
  const { NAMESPACE: namespace, SERVICE_ACCOUNT: serviceAccount } = metadata;
  const own = defined({ namespace, serviceAccount });
  return Object.keys(own).length > 0 ? own : undefined;
}

/** Without what says nothing, as the API's defaults do. */
function said<T extends object>(match: T): T | undefined {
  const left = Object.entries(match).filter(
    ([, value]) => value !== undefined && value !== "" && value !== 0,
  );
  return left.length > 0 ? (Object.fromEntries(left) as T) : undefined;
}

export function listenerMatch(spec: ListenerSpec | undefined): ListenerMatch | undefined {
  if (spec === undefined) return undefined;
  const { filterChain: chain, ...own } = spec;
  const protocols = chain?.applicationProtocols?.split(",").map((one) => one.trim());
  const filterChain =
    chain &&
    said({
      ...defined({
        name: chain.name,
        sni: chain.sni,
        transportProtocol: chain.transportProtocol,
        destinationPort: chain.destinationPort,
        applicationProtocols: protocols?.some(Boolean) ? protocols : undefined,
        filter: chain.filter?.name,
        subFilter: chain.filter?.subFilter?.name,
      }),
    });
  return said({ ...own, ...defined({ filterChain }) });
}

export function routeMatch(spec: RouteSpec | undefined): RouteConfigurationMatch | undefined {
  if (spec === undefined) return undefined;
  const { vhost, ...own } = spec;
  const { name: routeName, action } = vhost?.route ?? {};
  const host = said(defined({ name: vhost?.name, domain: vhost?.domainName }));
  const route = said(defined({ name: routeName, action: action === "ANY" ? undefined : action }));
  return said({ ...own, ...defined({ host, route }) });
}

export const clusterMatch = (spec: ClusterSpec | undefined): ClusterMatch | undefined =>
  spec && said(spec);
