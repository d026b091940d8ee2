import type {
  VirtualServiceSpecHttp,
  VirtualServiceSpecHttpMatch,
} from "../../api/gen/virtual-service.ts";
import { defined, filled } from "../../util/defined.ts";
import type { HttpMatch, PathMatch, StringMatch } from "../ir/route.ts";
import { claimMatches, isClaim } from "./claims.ts";
import { gatewayKey } from "./gateway-key.ts";
import { isHeaderName, isHeaderValue } from "./headers.ts";
import { isMatchRegex, lowerPort, type Site, stringMatch, type TextMatch } from "./site.ts";

type HeaderMatch = HttpMatch["headers"][number];

export const EVERYTHING: HttpMatch = {
  path: { kind: "prefix", path: "/" },
  headers: [],
  query: [],
};

/**
 * The rule's matches. One that can never be evaluated (a regular expression that proxies refuse) is
 * left out, for we cannot know which requests it means; a rule without any left matches nothing.
 */
export function lowerMatches(
  { match }: VirtualServiceSpecHttp,
  path: string,
  site: Site,
): readonly HttpMatch[] {
  if (match === undefined || match.length === 0) return [EVERYTHING];
  return match.flatMap((m, i) => lowerMatch(m, `${path}.match[${i}]`, site) ?? []);
}

function lowerMatch(
  match: VirtualServiceSpecHttpMatch,
  path: string,
  site: Site,
): HttpMatch | undefined {
  const uri = pathMatch(match, `${path}.uri`, site);
  const headers = headerMatches(match, path, site);
  const query = namedMatches(match.queryParams, `${path}.queryParams`, site);
  const claims = claimMatches(match, path, site);
  const port = lowerPort(match.port || undefined, `${path}.port`, site);
  if (uri === undefined || headers === undefined || query === undefined) return undefined;
  if (claims === undefined || (port === undefined && match.port)) return undefined;
  return {
    path: uri,
    headers,
    query,
    ...defined({
      claims: claims.length > 0 ? claims : undefined,
      name: match.name,
      port,
      sourceLabels: match.sourceLabels,
      sourceNamespace: filled(match.sourceNamespace),
      gateways: filled(match.gateways)?.map((name) => gatewayKey(name, site.namespace)),
      statPrefix: filled(match.statPrefix),
    }),
  };
}

function pathMatch(
  { uri, ignoreUriCase }: VirtualServiceSpecHttpMatch,
  at: string,
  site: Site,
): PathMatch | undefined {
  const ignoreCase = ignoreUriCase === true ? { ignoreCase: true } : {};
  if (uri?.exact !== undefined) return { kind: "exact", path: uri.exact, ...ignoreCase };
  if (uri?.prefix !== undefined) return { kind: "prefix", path: uri.prefix, ...ignoreCase };
  const { regex } = uri ?? {};
  if (regex === undefined || regex === "*") return EVERYTHING.path;
  return isMatchRegex(regex, `${at}.regex`, site) ? { kind: "regex", pattern: regex } : undefined;
}

/** `undefined`: one of the conditions can never be evaluated. */
function headerMatches(
  match: VirtualServiceSpecHttpMatch,
  path: string,
  site: Site,
): readonly HeaderMatch[] | undefined {
  const pseudo = defined({
    ":method": match.method,
    ":authority": match.authority,
    ":scheme": match.scheme,
  });
  const lists = [
    namedMatches(pseudo, path, site),
    namedMatches(withoutClaims(match.headers), `${path}.headers`, site),
    namedMatches(withoutClaims(match.withoutHeaders), `${path}.withoutHeaders`, site)?.map((m) => ({
      ...m,
      invert: true,
    })),
  ];
  const known = lists.filter((list) => list !== undefined);
  return known.length === lists.length && known.every((list) => areHeaders(list, path, site))
    ? known.flat()
    : undefined;
}

const withoutClaims = (
  matches: Readonly<Record<string, TextMatch>> = {},
): Readonly<Record<string, TextMatch>> =>
  Object.fromEntries(Object.entries(matches).filter(([name]) => !isClaim(name)));

function areHeaders(list: readonly HeaderMatch[], path: string, { report }: Site): boolean {
  const bad = list.find(({ name }) => !isHeaderName(name.replace(/^:/, "")));
  if (bad !== undefined)
    report.add(
      "MESH0117",
      path,
      `"${bad.name}" is not a header that can be matched here: the match is left out`,
    );
  return bad === undefined;
}

/** Envoy's bounds for what names a header or a query parameter. */
function isName(name: string, path: string, { report }: Site): boolean {
  const isOne = name !== "" && name.length <= 1024 && isHeaderValue(name);
  if (!isOne)
    report.add(
      "MESH0117",
      path,
      "a name is empty, too long or not one line: the match is left out",
    );
  return isOne;
}

interface NamedMatch {
  readonly name: string;
  readonly match: StringMatch;
}

/** In the order of their names, as objects have none of their own. */
function namedMatches(
  matches: Readonly<Record<string, TextMatch>> = {},
  path: string,
  site: Site,
): readonly NamedMatch[] | undefined {
  const lowered: NamedMatch[] = [];
  for (const name of Object.keys(matches).sort()) {
    const match = stringMatch(matches[name] ?? {}, `${path}["${name}"]`, site);
    if (match === undefined || !isName(name, path, site)) return undefined;
    lowered.push({ name, match });
  }
  return lowered;
}
