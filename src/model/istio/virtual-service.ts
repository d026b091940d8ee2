import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type {
  VirtualServiceSpec,
  VirtualServiceSpecHttp,
  VirtualServiceSpecHttpRetries,
} from "../../api/gen/virtual-service.ts";
import { type KubeObject, objectName } from "../../api/object.ts";
import { defined } from "../../util/defined.ts";
import type { HttpRoutes, HttpRule, Retry } from "../ir/route.ts";
import { type Origin, originOf } from "../origin.ts";
import { gatewayKey, MESH_GATEWAY } from "./gateway-key.ts";
import { headers, requestHeaders } from "./headers.ts";
import { lowerAction } from "./http-action.ts";
import { EVERYTHING, lowerMatches } from "./http-match.ts";
import { type References, referencesOf } from "./references.ts";
import { lowerDuration, lowerHost, lowerNumber, type Site } from "./site.ts";

export interface VirtualService extends Origin {
  readonly routes: HttpRoutes;
  /** What must be there for the routes to work. */
  readonly references: References;
}

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/ */
export function lowerVirtualService(
  object: KubeObject<VirtualServiceSpec>,
  clusterDomain: string,
): Lowered<VirtualService> {
  const report = new Report(objectName(object));
  const { hosts = [], gateways = [MESH_GATEWAY], http = [], exportTo } = object.spec ?? {};
  const origin = originOf(object, exportTo);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const routes: HttpRoutes = {
    source: objectName(object),
    namespace: origin.namespace,
    name: origin.name,
    hosts: lowerHosts(hosts, site),
    gateways: gateways.map((name) => gatewayKey(name, origin.namespace)),
    rules: http.flatMap((rule, i) =>
      lowerRule(rule, `${origin.name}.${i}`, `spec.http[${i}]`, site),
    ),
  };
  reportUnreachable(routes.rules, report);
  const references = referencesOf(object.spec ?? {}, site);
  return { value: { ...origin, routes, references }, diagnostics: report.diagnostics };
}

function lowerHosts(hosts: readonly string[], site: Site): readonly string[] {
  const lowered = hosts.flatMap((host, i) => lowerHost(host, `spec.hosts[${i}]`, site) ?? []);
  if (hosts.length === 0)
    site.report.add(
      "MESH0101",
      "spec.hosts",
      "no host is named: say which requests the rules are for",
    );
  return [...new Set(lowered)];
}

/** A rule that no request can ever match any more is left out; it has been told why. */
function lowerRule(
  rule: VirtualServiceSpecHttp,
  defaultName: string,
  path: string,
  site: Site,
): readonly HttpRule[] {
  const matches = lowerMatches(rule, path, site);
  if (matches.length === 0) return [];
  const request = requestHeaders(rule.headers?.request, `${path}.headers.request`, site);
  return [
    {
      name: rule.name ?? defaultName,
      matches,
      action: lowerAction(rule, request.authority, path, site),
      ...defined({
        timeoutMs: lowerDuration(rule.timeout, `${path}.timeout`, site),
        retry: rule.retries && lowerRetries(rule.retries, `${path}.retries`, site),
        requestHeaders: request.operations,
        responseHeaders: headers(rule.headers?.response, `${path}.headers.response`, site),
      }),
    },
  ];
}

/** Envoy's own bound is 32 bits; more attempts than this would be an outage of their own. */
const ATTEMPTS = [0, 1000] as const;

function lowerRetries(spec: VirtualServiceSpecHttpRetries, path: string, site: Site): Retry {
  return {
    attempts: lowerNumber(spec.attempts, ATTEMPTS, `${path}.attempts`, site) ?? 0,
    on: spec.retryOn ?? "",
    ...defined({
      perTryTimeoutMs: lowerDuration(spec.perTryTimeout, `${path}.perTryTimeout`, site),
      backoffMs: lowerDuration(spec.backoff, `${path}.backoff`, site),
      ignorePreviousHosts: spec.retryIgnorePreviousHosts,
      remoteLocalities: spec.retryRemoteLocalities,
    }),
  };
}

function reportUnreachable(rules: readonly HttpRule[], report: Report): void {
  const last = rules.findIndex(({ matches }) => matches.includes(EVERYTHING));
  if (last < 0 || last === rules.length - 1) return;
  report.add(
    "MESH0114",
    `spec.http[${last + 1}]`,
    `the rule "${rules[last]?.name}" before it matches every request: move that one to the end`,
  );
}
