/** Headers that are none: claims of the token that a request has shown. */
import type { VirtualServiceSpecHttpMatch } from "../../api/gen/virtual-service.ts";
import type { ClaimMatch } from "../ir/route.ts";
import { type Site, stringMatch, type TextMatch } from "./site.ts";

/** https://istio.io/latest/docs/tasks/security/authentication/jwt-route/ */
const CLAIMS = "@request.auth.claims";

export const isClaim = (header: string): boolean => header.toLowerCase().startsWith(CLAIMS);

/** `undefined`: one of the conditions can never be evaluated. */
export function claimMatches(
  { headers = {}, withoutHeaders = {} }: VirtualServiceSpecHttpMatch,
  path: string,
  site: Site,
): readonly ClaimMatch[] | undefined {
  const all = [
    ...named(headers).map((one) => claim(one, `${path}.headers`, site)),
    ...named(withoutHeaders).map((one) => {
      const found = claim(one, `${path}.withoutHeaders`, site);
      return found && { ...found, invert: true };
    }),
  ];
  const sound = all.filter((one) => one !== undefined);
  return sound.length === all.length ? sound : undefined;
}

/** In the order of their names, as objects have none of their own. */
const named = (matches: Readonly<Record<string, TextMatch>>): readonly [string, TextMatch][] =>
  Object.entries(matches)
    .filter(([name]) => isClaim(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));

function claim(
  [name, text]: readonly [string, TextMatch],
  path: string,
  site: Site,
): ClaimMatch | undefined {
  const match = stringMatch(text, `${path}["${name}"]`, site);
  const keys = keysOf(name.slice(CLAIMS.length));
  if (keys === undefined)
    site.report.add(
      "MESH0117",
      path,
      `"${name}" names no claim, and the match is left out: write ${CLAIMS}.name or ${CLAIMS}[name][inner]`,
    );
  return match && keys && { name, path: keys, match };
}

const BRACKETS = /^(\[[^[\]]+\])+$/;
const DOTS = /^(\.[^.[\]]+)+$/;

/** `.a.b`, or `[a][b]` for names with dots. */
function keysOf(text: string): readonly string[] | undefined {
  if (BRACKETS.test(text)) return text.slice(1, -1).split("][");
  return DOTS.test(text) ? text.slice(1).split(".") : undefined;
}
