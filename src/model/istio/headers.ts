import type { HeaderOperations } from "../ir/route.ts";
import type { Site } from "./site.ts";
import { headerFormatFault } from "./substitution-format.ts";

interface Operations {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

export interface LoweredHeaders {
  readonly operations?: HeaderOperations;
  /** `set` of the host: proxies rewrite that elsewhere than other headers. */
  readonly authority?: string;
}

const HOST_HEADERS: ReadonlySet<string> = new Set(["host", ":authority"]);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/;
/** Line breaks, which would end the header, are among them. */
const CONTROL = /(?!\t)\p{Cc}/u;

/** What may stand in a header or in a request's path: one line without control characters. */
export function isHeaderValue(value: string): boolean {
  return !CONTROL.test(value);
}

export function isHeaderName(name: string): boolean {
  return HEADER_NAME.test(name);
}

export const authoritySet = (operations: Operations | undefined): string | undefined =>
  hostSet(operations)?.[1];

const hostSet = (operations: Operations | undefined) =>
  Object.entries(operations?.set ?? {}).find(([name]) => HOST_HEADERS.has(name.toLowerCase()));

export function requestHeaders(
  operations: Operations | undefined,
  path: string,
  site: Site,
): LoweredHeaders {
  const host = hostSet(operations);
  const set = Object.fromEntries(
    Object.entries(operations?.set ?? {}).filter(([name]) => name !== host?.[0]),
  );
  const lowered = headers(operations && { ...operations, set }, path, site);
  return {
    ...(lowered !== undefined && { operations: lowered }),
    ...(host !== undefined && { authority: host[1] }),
  };
}

/** What there is to do to the headers; `undefined` if nothing is. */
export function headers(
  operations: Operations | undefined,
  path: string,
  site: Site,
): HeaderOperations | undefined {
  if (operations === undefined) return undefined;
  const value: HeaderOperations = {
    set: changes(operations.set, `${path}.set`, site),
    add: changes(operations.add, `${path}.add`, site),
    remove: (operations.remove ?? []).filter((name, i) =>
      mayChange(name, `${path}.remove[${i}]`, site),
    ),
  };
  const count = Object.keys(value.set).length + Object.keys(value.add).length + value.remove.length;
  return count === 0 ? undefined : value;
}

function changes(
  headersByName: Readonly<Record<string, string>> = {},
  path: string,
  site: Site,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headersByName).filter(
      ([name, value]) =>
        mayChange(name, `${path}["${name}"]`, site) && mayBe(value, `${path}["${name}"]`, site),
    ),
  );
}

function mayChange(name: string, path: string, { report }: Site): boolean {
  if (isHeaderName(name) && !HOST_HEADERS.has(name.toLowerCase())) return true;
  report.add(
    "MESH0117",
    path,
    `"${name}" is not a header that can be changed here: the host is changed by set or by rewrite.authority, pseudo headers not at all`,
  );
  return false;
}

function mayBe(value: string, path: string, { report }: Site): boolean {
  const fault = valueFault(value);
  if (fault !== undefined) report.add("MESH0117", path, fault);
  return fault === undefined;
}

function valueFault(value: string): string | undefined {
  return isHeaderValue(value) && value.length <= 16_384
    ? headerFormatFault(value)
    : "a header's value is one line of at most 16384 characters: this header is left alone";
}
