/** Conditions of a rule in Envoy's terms. */
import type { ClaimMatch, HttpMatch, PathMatch, StringMatch } from "../../model/ir/route.ts";
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  RouteMatch,
} from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import type { MetadataMatcher } from "../../proto/gen/envoy/type/matcher/v3/metadata.ts";
import type { StringMatcher } from "../../proto/gen/envoy/type/matcher/v3/string.ts";

export function routeMatch({ path, headers, query, claims = [] }: HttpMatch): RouteMatch {
  return {
    ...pathMatch(path),
    ...(headers.length > 0 && { headers: headers.map(headerMatcher) }),
    ...(query.length > 0 && { queryParameters: query.map(queryMatcher) }),
    ...(claims.length > 0 && { dynamicMetadata: claims.map(claimMatcher) }),
  };
}

function pathMatch(path: PathMatch): RouteMatch {
  switch (path.kind) {
    case "exact":
      return { path: path.path, ...(path.ignoreCase && { caseSensitive: false }) };
    case "prefix":
      return { prefix: path.path, ...(path.ignoreCase && { caseSensitive: false }) };
    case "segments":
      return segments(path.path);
    case "regex":
      return { safeRegex: { regex: path.pattern } };
  }
}

/** Envoy wants no slash at the end, and has no form for "/", of which everything is a segment. */
function segments(path: string): RouteMatch {
  const bare = path.replace(/\/+$/, "");
  return bare === "" ? { prefix: "/" } : { pathSeparatedPrefix: bare };
}

/** Present counts whatever the value; "not this value" also means "not there". */
function headerMatcher({ name, match, invert }: HttpMatch["headers"][number]): HeaderMatcher {
  return {
    name,
    ...(match.kind === "present"
      ? { presentMatch: true }
      : { stringMatch: stringMatcher(match), ...(invert && { treatMissingHeaderAsEmpty: true }) }),
    ...(invert && { invertMatch: true }),
  };
}

function queryMatcher({ name, match }: HttpMatch["query"][number]): QueryParameterMatcher {
  return match.kind === "present"
    ? { name, presentMatch: true }
    : { name, stringMatch: stringMatcher(match) };
}

/** Where the filter that verifies tokens leaves what they say. */
const TOKENS = "envoy.filters.http.jwt_authn";
const PAYLOAD = "payload";

/** Claims like groups are lists, and one element is enough. */
function claimMatcher({ path, match, invert }: ClaimMatch): MetadataMatcher {
  const value = match.kind === "present" ? undefined : { stringMatch: stringMatcher(match) };
  return {
    filter: TOKENS,
    path: [PAYLOAD, ...path].map((key) => ({ key })),
    value: value
      ? { orMatch: { valueMatchers: [value, { listMatch: { oneOf: value } }] } }
      : { presentMatch: true },
    ...(invert && { invert: true }),
  };
}

type ValueMatch = Exclude<StringMatch, { kind: "present" }>;

export function stringMatcher({ kind, value }: ValueMatch): StringMatcher {
  switch (kind) {
    case "exact":
      return { exact: value };
    case "prefix":
      return { prefix: value };
    case "regex":
      return { safeRegex: { regex: value } };
  }
}

/** Whether no request gets past it, so that what comes after is dead. */
export const isCatchAll = ({ match }: { readonly match?: RouteMatch | undefined }): boolean =>
  match?.prefix === "/" &&
  match.headers === undefined &&
  match.queryParameters === undefined &&
  match.dynamicMetadata === undefined;
