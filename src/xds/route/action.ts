/** What becomes of a request that a rule matches. */
import type {
  HttpAction,
  HttpRule,
  Mirror,
  PathMatch,
  Redirect,
  Rewrite,
} from "../../model/ir/route.ts";
import { base64 } from "../../proto/bytes.ts";
import type {
  DirectResponseAction,
  RedirectAction,
  RedirectAction_RedirectResponseCode,
  Route,
  RouteAction,
} from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { duration } from "../../util/duration.ts";
import { fraction, routeFilters } from "../filter/traffic.ts";
import { resolve, target, type Vantage } from "./destination.ts";
import { headerOperations } from "./headers.ts";
import { retryPolicy } from "./retry.ts";

/** The fields of a route that say what to do, for requests that came by way of `path`. */
export function routeAction(rule: HttpRule, path: PathMatch, vantage: Vantage): Route {
  const { action } = rule;
  switch (action.kind) {
    case "forward":
      return forward(rule, action, path, vantage);
    case "redirect":
      return {
        redirect: redirectAction(action.redirect, vantage),
        ...routeFilters(rule),
        ...headerOperations([rule]),
      };
    case "respond":
      return {
        directResponse: {
          status: action.status,
          ...responseBody(action),
        },
        ...routeFilters(rule),
        ...headerOperations([rule]),
      };
  }
}

type Respond = Extract<HttpAction, { kind: "respond" }>;

function responseBody({ body, bytes }: Respond): DirectResponseAction {
  if (bytes !== undefined) return { body: { inlineBytes: base64(bytes) } };
  return body === undefined ? {} : { body: { inlineString: body } };
}

type Forward = Extract<HttpAction, { kind: "forward" }>;

function forward(
  rule: HttpRule,
  { destinations, rewrite }: Forward,
  path: PathMatch,
  vantage: Vantage,
): Route {
  const resolved = destinations.map((destination) => resolve(destination, vantage));
  const hash = resolved.flatMap(({ hashPolicy }) => hashPolicy);
  return {
    route: {
      ...(rewrite && rewriteAction(rewrite, path)),
      ...target(resolved),
      ...timeouts(rule.timeoutMs),
      ...retryPolicy(rule.retry, hash.length > 0, vantage.mesh.settings),
      ...(vantage.mesh.settings.traffic?.headers?.forwardedHost && { appendXForwardedHost: true }),
      ...(hash.length > 0 && { hashPolicy: hash }),
      ...mirrorPolicies(rule.mirrors ?? [], vantage),
    },
    ...routeFilters({ ...rule, detected: resolved.some(({ detected }) => detected) }),
    ...headerOperations(destinations.length === 1 ? [rule, ...destinations] : [rule]),
  };
}

/** The host that was asked for stays as it is: a copy is not to be told from the original. */
function mirrorPolicies(mirrors: readonly Mirror[], vantage: Vantage): RouteAction {
  if (mirrors.length === 0) return {};
  return {
    requestMirrorPolicies: mirrors.map((mirror) => ({
      cluster: resolve({ ...mirror, weight: 1 }, vantage).cluster,
      runtimeFraction: { defaultValue: fraction(mirror.percent) },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    })),
  };
}

/**
 * Without a budget a request may take as long as it wants, whatever Envoy's defaults, and gRPC as
 * long as its caller says; with one gRPC has what its caller says of it, if that is less. A route
 * that speaks of `maxStreamDuration` has no `timeout` any more, hence the older field.
 */
export function timeouts(timeoutMs = 0): RouteAction {
  const timeout = duration(timeoutMs);
  if (timeoutMs > 0) return { timeout, maxGrpcTimeout: timeout };
  return { timeout, maxStreamDuration: { maxStreamDuration: "0s", grpcTimeoutHeaderMax: "0s" } };
}

function rewriteAction({ prefix, regex, authority }: Rewrite, path: PathMatch): RouteAction {
  return {
    ...(prefix !== undefined && prefixRewrite(prefix, path)),
    ...(regex !== undefined && {
      regexRewrite: { pattern: { regex: regex.pattern }, substitution: regex.substitution },
    }),
    ...(authority !== undefined && { hostRewriteLiteral: authority }),
  };
}

/** Cutting a whole segment away must leave one slash, not two or none. */
function prefixRewrite(prefix: string, path: PathMatch): RouteAction {
  if (path.kind !== "segments" || prefix !== "/") return { prefixRewrite: prefix };
  const literal = path.path.replace(/\/+$/, "").replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return { regexRewrite: { pattern: { regex: `^${literal}(/?)(.*)` }, substitution: "/\\2" } };
}

const CODES: Readonly<Record<Redirect["code"], RedirectAction_RedirectResponseCode>> = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

function redirectAction(redirect: Redirect, { port: own, secure }: Vantage): RedirectAction {
  const { path, prefix, authority, scheme, code } = redirect;
  const port = redirect.portFromRequest ? own : redirect.port;
  const usual = DEFAULT_PORTS[scheme ?? (secure ? "https" : "http")];
  return {
    ...(prefix !== undefined ? { prefixRewrite: prefix } : path && { pathRedirect: path }),
    ...(authority && { hostRedirect: authority }),
    ...(scheme && { schemeRedirect: scheme }),
    ...(port !== undefined && port !== usual && { portRedirect: port }),
    responseCode: CODES[code],
  };
}
