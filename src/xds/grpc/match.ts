/** Conditions as gRPC libraries know them: of the method that is called, and its metadata. */
import type { HttpMatch } from "../../model/ir/route.ts";
import type {
  HeaderMatcher,
  RouteMatch,
} from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { routeMatch } from "../route/match.ts";

type HeaderCondition = HttpMatch["headers"][number];

/** All calls are this. */
const METHOD = "POST";
/** "Not this value" doubles the routes: so many of them may stand in one match. */
const MAX_DOUBLINGS = 4;

/**
 * The matches that together mean the same for calls; none if no call can match. A library takes a
 * header that is not there for one that does not match, whatever the sign of the condition, so "not
 * this value" is two matches: another value, or none.
 */
export function callMatches({
  path,
  headers,
  query,
  claims = [],
  ...match
}: HttpMatch): readonly RouteMatch[] {
  const conditions = headers.filter((header) => !isTrueOfCalls(header));
  if (query.length + claims.length > 0 || conditions.some(isFalseOfCalls)) return [];
  const negated = conditions.filter(isNegatedValue).slice(0, MAX_DOUBLINGS);
  const others = conditions.filter((header) => !negated.includes(header));
  const { headers: kept = [], ...rest } = routeMatch({ ...match, path, headers: others, query });
  return negated
    .reduce<HeaderMatcher[][]>(
      (variants, header) =>
        variants.flatMap((one) => [
          [...one, absent(header)],
          [...one, other(header)],
        ]),
      [kept],
    )
    .map((all) => ({ ...wholeSegments(rest, path), ...(all.length > 0 && { headers: all }) }));
}

const isNegatedValue = ({ match, invert }: HeaderCondition): boolean =>
  invert === true && match.kind !== "present";

const absent = ({ name }: HeaderCondition): HeaderMatcher => ({
  name,
  presentMatch: true,
  invertMatch: true,
});

function other(header: HeaderCondition): HeaderMatcher {
  const [matcher] = routeMatch({
    path: { kind: "prefix", path: "/" },
    headers: [header],
    query: [],
  }).headers ?? [{ name: header.name }];
  const { treatMissingHeaderAsEmpty: _, ...plain } = matcher ?? { name: header.name };
  return plain;
}

function saysOfMethod({ name, match, invert = false }: HeaderCondition): boolean | undefined {
  if (name !== ":method") return undefined;
  switch (match.kind) {
    case "exact":
      return (match.value === METHOD) !== invert;
    case "prefix":
      return METHOD.startsWith(match.value) !== invert;
    case "present":
      return !invert;
    case "regex":
      return undefined;
  }
}

const isTrueOfCalls = (header: HeaderCondition): boolean => saysOfMethod(header) === true;
const isFalseOfCalls = (header: HeaderCondition): boolean => saysOfMethod(header) === false;

/** There is no such form here; a path has no query to end at. */
function wholeSegments(match: RouteMatch, path: HttpMatch["path"]): RouteMatch {
  if (path.kind !== "segments" || match.pathSeparatedPrefix === undefined) return match;
  const literal = match.pathSeparatedPrefix.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const { pathSeparatedPrefix: _, ...rest } = match;
  return { ...rest, safeRegex: { regex: `${literal}(/.*)?` } };
}
