/** Operations on lists in which order matters: filters and routes. */
import type { EnvoyPatch, FilterClass } from "../../model/ir/envoy-filter.ts";
import type { JsonObject } from "../../proto/reflect/json.ts";
import { isMerge, type MESSAGES, mergedWith, nameOf, objectOf, valueOf } from "./subject.ts";

export interface Place {
  readonly type: keyof typeof MESSAGES;
  /** Whether the patch means this member; absent: it names none. */
  readonly target: ((member: JsonObject) => boolean) | undefined;
  /** Where a member goes that is for no particular place; absent: the end. */
  readonly home?: (members: readonly JsonObject[]) => number;
}

/** The list as the patch makes it; the same list if the patch does not concern it. */
export function patchedList(
  members: readonly JsonObject[],
  patch: EnvoyPatch,
  place: Place,
): readonly JsonObject[] {
  if (isMerge(patch)) return mergedMembers(members, patch, place);
  const { target } = place;
  const at = target === undefined ? undefined : members.findIndex(target);
  if (at === -1 && patch.operation !== "ADD") return members;
  if (patch.operation === "REMOVE") return members.filter((one) => !target?.(one));
  if (patch.operation === "REPLACE")
    return members.map((one) => (target?.(one) ? valueOf(patch) : one));
  return members.toSpliced(insertionAt(at, members, patch, place), 0, valueOf(patch));
}

/** @param at where what it names is, if it names anything */
function insertionAt(
  at: number | undefined,
  members: readonly JsonObject[],
  { operation }: EnvoyPatch,
  place: Place,
): number {
  if (operation === "INSERT_FIRST") return 0;
  if (operation === "INSERT_BEFORE") return at ?? 0;
  return operation === "ADD" || at === undefined ? homeIn(members, place) : at + 1;
}

const homeIn = (members: readonly JsonObject[], { home }: Place): number =>
  home?.(members) ?? members.length;

function mergedMembers(
  members: readonly JsonObject[],
  patch: EnvoyPatch,
  { type, target }: Place,
): readonly JsonObject[] {
  const means = target ?? ((one: JsonObject) => isAlike(one, valueOf(patch)));
  if (!members.some(means)) return members;
  return members.map((one) => (means(one) ? mergedWith(patch, type, one) : one));
}

/** Of filters, those of one type or name: without that, to merge would be to mix different things. */
function isAlike(member: JsonObject, value: JsonObject): boolean {
  const type = objectOf(value["typedConfig"])["@type"];
  if (type !== undefined) return objectOf(member["typedConfig"])["@type"] === type;
  return value["name"] === undefined || isCalled(member, nameOf(value));
}

/** Names that filters had in older releases of Envoy, which users' objects still have. */
const FORMER: Readonly<Record<string, string>> = {
  "envoy.buffer": "envoy.filters.http.buffer",
  "envoy.cors": "envoy.filters.http.cors",
  "envoy.csrf": "envoy.filters.http.csrf",
  "envoy.ext_authz": "envoy.filters.http.ext_authz",
  "envoy.fault": "envoy.filters.http.fault",
  "envoy.grpc_web": "envoy.filters.http.grpc_web",
  "envoy.health_check": "envoy.filters.http.health_check",
  "envoy.lua": "envoy.filters.http.lua",
  "envoy.rate_limit": "envoy.filters.http.ratelimit",
  "envoy.router": "envoy.filters.http.router",
  "envoy.http_connection_manager": "envoy.filters.network.http_connection_manager",
  "envoy.tcp_proxy": "envoy.filters.network.tcp_proxy",
  "envoy.listener.http_inspector": "envoy.filters.listener.http_inspector",
  "envoy.listener.original_dst": "envoy.filters.listener.original_dst",
  "envoy.listener.tls_inspector": "envoy.filters.listener.tls_inspector",
};

export const isCalled = ({ name }: JsonObject, sought: string): boolean =>
  name === sought || name === FORMER[sought];

/** Matches a member by its name, if a name is given. */
export const byName = (sought: string | undefined): Place["target"] =>
  sought === undefined ? undefined : (member) => isCalled(member, sought);

const TERMINAL: ReadonlySet<string> = new Set([
  "envoy.filters.http.router",
  "envoy.filters.network.http_connection_manager",
  "envoy.filters.network.tcp_proxy",
]);

/** Before the filter that ends the list: nothing after it would ever be asked, and Envoy refuses it. */
export function beforeTerminal(members: readonly JsonObject[]): number {
  const last = members.at(-1);
  return last !== undefined && TERMINAL.has(nameOf(last)) ? members.length - 1 : members.length;
}

/** Filters of a class, by name: others of the class go after them. */
const CLASSES: Readonly<Record<FilterClass, RegExp>> = {
  AUTHN: /\.(jwt_authn|oauth2|basic_auth|api_key_auth)$/,
  AUTHZ: /\.(jwt_authn|oauth2|basic_auth|api_key_auth|rbac|ext_authz)$/,
  STATS: /$^/,
};

export const homeOf =
  (filterClass: FilterClass | undefined) =>
  (members: readonly JsonObject[]): number => {
    if (filterClass === undefined || filterClass === "STATS") return beforeTerminal(members);
    return members.findLastIndex((one) => CLASSES[filterClass].test(nameOf(one))) + 1;
  };
