/** What the lowerings of Istio's objects have in common: where a value stands, and checking it. */
import type { Report } from "../../api/codes.ts";
import { parseDuration } from "../../util/duration.ts";
import { fullHost, isHost } from "../host.ts";
import type { StringMatch } from "../ir/route.ts";
import { regexFault } from "../regex.ts";
import { isHeaderValue } from "./headers.ts";

/** The object being lowered: what names mean in it, and where its faults are told. */
export interface Site {
  readonly report: Report;
  readonly namespace: string;
  readonly clusterDomain: string;
}

export function lowerHost(text: string | undefined, path: string, site: Site): string | undefined {
  const host = fullHost(text ?? "", site.namespace, site.clusterDomain);
  if (text !== undefined && isHost(host)) return host;
  site.report.add(
    "MESH0101",
    path,
    `"${text ?? ""}" is no host: write a DNS name, a name with one leading "*.", or "*"`,
  );
  return undefined;
}

/** Milliseconds; a fault is told and leaves the field unset. */
export function lowerDuration(
  text: string | undefined,
  path: string,
  { report }: Site,
): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && (ms === 0 || ms >= 1)) return ms;
  report.add(
    "MESH0108",
    path,
    `"${text}" is no duration of at least 1ms: write one like 500ms or 2s`,
  );
  return undefined;
}

export function isRegex(pattern: string, path: string, { report }: Site): boolean {
  const fault = regexFault(pattern);
  if (fault === undefined) return true;
  report.add(
    "MESH0102",
    path,
    `proxies refuse the regular expression "${pattern}" (${fault}): write it in RE2 syntax`,
  );
  return false;
}

export interface TextMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** `undefined`: it can never be evaluated, and that has been told. */
export function stringMatch(
  { exact, prefix, regex }: TextMatch,
  path: string,
  site: Site,
): StringMatch | undefined {
  if (exact !== undefined) return { kind: "exact", value: exact };
  if (prefix !== undefined)
    return isFilled(prefix, `${path}.prefix`, site) ? { kind: "prefix", value: prefix } : undefined;
  if (regex === undefined || regex === "*" || regex === ".*") return { kind: "present" };
  return isMatchRegex(regex, `${path}.regex`, site) ? { kind: "regex", value: regex } : undefined;
}

/** Unlike the expression of a rewrite it may not be empty. */
export const isMatchRegex = (pattern: string, path: string, site: Site): boolean =>
  isFilled(pattern, path, site) && isRegex(pattern, path, site);

/** Proxies refuse an empty prefix or expression, and with it all that comes in one message. */
function isFilled(text: string, path: string, { report }: Site): boolean {
  if (text !== "") return true;
  report.add(
    "MESH0117",
    path,
    "it is empty, which proxies refuse, so the match is left out: write what is to match, or {} for any value",
  );
  return false;
}

/** The nearest number within bounds; a number outside is told. */
export function lowerNumber(
  value: number | undefined,
  [min, max]: readonly [number, number],
  path: string,
  { report }: Site,
): number | undefined {
  if (value === undefined) return undefined;
  const whole = Number.isInteger(value);
  if (whole && value >= min && value <= max) return value;
  const rounded = Math.round(value);
  const nearest = Number.isNaN(rounded) ? min : Math.min(max, Math.max(min, rounded));
  report.add(
    "MESH0109",
    path,
    `${value} is not a whole number from ${min} to ${max}: ${nearest} is used`,
  );
  return nearest;
}

/** Whether text is one line, as proxies put it into requests; what is not is told. */
export function isLine(text: string | undefined, path: string, { report }: Site): boolean {
  if (text === undefined || isHeaderValue(text)) return true;
  report.add("MESH0117", path, "there are line breaks or control characters in it: write one line");
  return false;
}

/** The text, unless it is not one line. */
export function lowerLine(text: string | undefined, path: string, site: Site): string | undefined {
  return isLine(text, path, site) ? text : undefined;
}

/** A share of 0 to 100, which need not be whole. */
export function lowerPercent(
  value: number | undefined,
  path: string,
  { report }: Site,
): number | undefined {
  if (value === undefined || (value >= 0 && value <= 100)) return value;
  const nearest = value > 100 ? 100 : 0;
  report.add("MESH0109", path, `${value} is not a percentage from 0 to 100: ${nearest} is used`);
  return nearest;
}

/** A port that there is; another is told, and no other port will do instead. */
export function lowerPort(
  value: number | undefined,
  path: string,
  { report }: Site,
): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 65_535))
    return value;
  report.add("MESH0109", path, `${value} is not a port from 1 to 65535: give the port's number`);
  return undefined;
}
