import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type { VirtualServiceSpec, VirtualServiceSpecHttp } from "../../api/gen/virtual-service.ts";
import { type KubeObject, objectName } from "../../api/object.ts";
import { defined, filled } from "../../util/defined.ts";
import type { Delegation } from "../delegation.ts";
import type { HttpRoutes, HttpRule, StreamRoutes } from "../ir/route.ts";
import { type Origin, originOf } from "../origin.ts";
import { lowerCors } from "./cors.ts";
import { lowerFault } from "./fault.ts";
import { gatewayKey, MESH_GATEWAY } from "./gateway-key.ts";
import { authoritySet, headers, requestHeaders } from "./headers.ts";
import { lowerAction, lowerRewrite } from "./http-action.ts";
import { EVERYTHING, lowerMatches } from "./http-match.ts";
import { lowerMirrors } from "./mirror.ts";
import { delegateKey, type References, referencesOf } from "./references.ts";
import { lowerRetries } from "./retries.ts";
import { lowerDuration, lowerHost, type Site } from "./site.ts";
import { lowerStreamRules } from "./stream-routes.ts";

export interface VirtualService extends Origin {
  /** Its own rules; those it leaves to others are `delegations`. */
  readonly routes: HttpRoutes;
  readonly delegations: readonly Delegation[];
  readonly streams: StreamRoutes;
  /** What must be there for the routes to work. */
  readonly references: References;
}

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/ */
export function lowerVirtualService(
  object: KubeObject<VirtualServiceSpec>,
  clusterDomain: string,
): Lowered<VirtualService> {
  const report = new Report(objectName(object));
  const { hosts = [], http = [], tcp, tls, exportTo } = object.spec ?? {};
  const gateways = filled(object.spec?.gateways) ?? [MESH_GATEWAY];
  const origin = originOf(object, exportTo);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const place = {
    source: objectName(object),
    namespace: origin.namespace,
    name: origin.name,
    hosts: lowerHosts(hosts, site),
    gateways: gateways.map((name) => gatewayKey(name, origin.namespace)),
  };
  const { rules, delegations } = lowerRules(http, origin.name, site);
  reportUnreachable(rules, report);
  const value: VirtualService = {
    ...origin,
    routes: { ...place, rules },
    delegations,
    streams: {
      ...place,
      tls: lowerStreamRules(tls, "spec.tls", site),
      tcp: lowerStreamRules(tcp, "spec.tcp", site),
    },
    references: referencesOf(object.spec ?? {}, site),
  };
  return { value, diagnostics: report.diagnostics };
}

function lowerHosts(hosts: readonly string[], site: Site): readonly string[] {
  const lowered = hosts.flatMap((host, i) => lowerHost(host, `spec.hosts[${i}]`, site) ?? []);
  return [...new Set(lowered)];
}

function lowerRules(
  http: readonly VirtualServiceSpecHttp[],
  name: string,
  site: Site,
): { readonly rules: readonly HttpRule[]; readonly delegations: readonly Delegation[] } {
  const rules: HttpRule[] = [];
  const delegations: Delegation[] = [];
  for (const [i, spec] of http.entries()) {
    const rule = lowerRule(spec, `${name}.${i}`, `spec.http[${i}]`, site);
    // No request can match it any more, and it has been told why.
    if (rule.matches.length === 0) continue;
    const { delegate } = spec;
    if (delegate === undefined) rules.push(rule);
    else
      delegations.push({
        position: rules.length,
        key: delegateKey(delegate, site.namespace),
        rule,
        ...defined({ rewrite: rewriteOf(spec, `spec.http[${i}]`, site) }),
      });
  }
  return { rules, delegations };
}

const rewriteOf = (spec: VirtualServiceSpecHttp, path: string, site: Site) =>
  lowerRewrite(spec.rewrite, authoritySet(spec.headers?.request), path, site);

function lowerRule(
  rule: VirtualServiceSpecHttp,
  defaultName: string,
  path: string,
  site: Site,
): HttpRule {
  const request = requestHeaders(rule.headers?.request, `${path}.headers.request`, site);
  return {
    name: filled(rule.name) ?? defaultName,
    matches: lowerMatches(rule, path, site),
    action: lowerAction(rule, request.authority, path, site),
    ...defined({
      timeoutMs: lowerDuration(rule.timeout, `${path}.timeout`, site),
      retry: rule.retries && lowerRetries(rule.retries, `${path}.retries`, site),
      fault: lowerFault(rule.fault, `${path}.fault`, site),
      mirrors: lowerMirrors(rule, path, site),
      cors: lowerCors(rule.corsPolicy, `${path}.corsPolicy`, site),
      requestHeaders: request.operations,
      responseHeaders: headers(rule.headers?.response, `${path}.headers.response`, site),
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
