/** A VirtualService may leave some of its rules to another: their conditions hold together. */
import { ownValue } from "../util/own-value.ts";
import type {
  HttpAction,
  HttpMatch,
  HttpRule,
  PathMatch,
  Rewrite,
  StringMatch,
} from "./ir/route.ts";
import { BROKEN } from "./istio/http-action.ts";

/** A rule that is another object's to fill. */
export interface Delegation {
  /** How many of the object's own rules come before it. */
  readonly position: number;
  /** `namespace/name` of the other VirtualService. */
  readonly key: string;
  /** What the other's rules inherit; its action is what holds while the other is not there. */
  readonly rule: HttpRule;
  /** Of requests that the other's rules forward and do not rewrite. */
  readonly rewrite?: Rewrite | "broken";
}

/** The object's rules with every delegation filled. */
export function withDelegates(
  rules: readonly HttpRule[],
  delegations: readonly Delegation[],
  rulesOf: (key: string) => readonly HttpRule[] | undefined,
): readonly HttpRule[] {
  const filled = delegations.map(({ position, key, rule, rewrite }) => ({
    position,
    rules: rulesOf(key)?.flatMap(
      (own) => inherited(rule, { ...own, action: rewritten(own.action, rewrite) }) ?? [],
    ) ?? [rule],
  }));
  const at = (position: number): readonly HttpRule[] =>
    filled.filter((f) => f.position === position).flatMap((f) => f.rules);
  return [...rules.flatMap((rule, i) => [...at(i), rule]), ...at(rules.length)];
}

function rewritten(action: HttpAction, rewrite: Delegation["rewrite"]): HttpAction {
  if (rewrite === undefined || action.kind !== "forward" || action.rewrite) return action;
  return rewrite === "broken" ? BROKEN : { ...action, rewrite };
}

/** What the delegate says wins; what it leaves open it inherits. `undefined`: it can never match. */
function inherited(root: HttpRule, own: HttpRule): HttpRule | undefined {
  const matches: HttpMatch[] = [];
  for (const match of own.matches) {
    const joined = root.matches.flatMap((from) => joinedMatch(from, match) ?? []);
    if (joined.length === 0) return undefined;
    matches.push(...joined);
  }
  return { ...root, ...own, name: `${root.name}-${own.name}`, matches };
}

/** Both at once; `undefined` if the delegate's goes beyond the root's. */
function joinedMatch(root: HttpMatch, own: HttpMatch): HttpMatch | undefined {
  const path = joinedPath(root.path, own.path);
  const headers = joinedList(root.headers, own.headers);
  const query = joinedList(root.query, own.query);
  const claims = joinedList(root.claims ?? [], own.claims ?? []);
  if (!agreeOnClients(root, own) || path === undefined) return undefined;
  if (headers === undefined || query === undefined || claims === undefined) return undefined;
  return {
    ...root,
    ...own,
    path,
    headers,
    query,
    ...(claims.length > 0 && { claims }),
    ...joinedLabels(root, own),
  };
}

function agreeOnClients(root: HttpMatch, own: HttpMatch): boolean {
  const { sourceLabels: labels = {}, gateways } = root;
  return (
    agrees(root.port, own.port) &&
    agrees(root.sourceNamespace, own.sourceNamespace) &&
    Object.entries(own.sourceLabels ?? {}).every(([name, value]) =>
      agrees(ownValue(labels, name), value),
    ) &&
    (gateways === undefined || (own.gateways ?? []).every((one) => gateways.includes(one)))
  );
}

function joinedLabels(root: HttpMatch, own: HttpMatch): Pick<HttpMatch, "sourceLabels"> {
  const labels = { ...root.sourceLabels, ...own.sourceLabels };
  return Object.keys(labels).length > 0 ? { sourceLabels: labels } : {};
}

function agrees<T>(root: T | undefined, own: T | undefined): boolean {
  return root === undefined || own === undefined || root === own;
}

/** The delegate's, which must lie within the root's, or the root's if the delegate has none. */
function joinedPath(root: PathMatch, own: PathMatch): PathMatch | undefined {
  if (isEverything(own)) return root;
  if (isEverything(root)) return own;
  return isPathWithin(root, own) ? own : undefined;
}

function isPathWithin(root: PathMatch, own: PathMatch): boolean {
  if (root.kind !== "prefix" || own.kind === "regex") return isSame(root, own);
  if (ignoresCase(own) && !ignoresCase(root)) return false;
  return own.path.startsWith(root.path);
}

function isEverything(path: PathMatch): boolean {
  return path.kind === "prefix" && path.path === "/";
}

const ignoresCase = (path: PathMatch): boolean => "ignoreCase" in path && path.ignoreCase === true;

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface Condition {
  readonly name: string;
  readonly match: StringMatch;
  readonly invert?: boolean;
}

/** Of what one name must be, the delegate's must lie within the root's; what it must not be adds up. */
function joinedList<T extends Condition>(
  root: readonly T[],
  own: readonly T[],
): readonly T[] | undefined {
  const isWider = own.some((o) =>
    root.some((r) => isNarrowed(r, o) && !isWithin(o.match, r.match)),
  );
  if (isWider) return undefined;
  return [...root.filter((r) => !own.some((o) => isNarrowed(r, o) || isSame(r, o))), ...own];
}

const isNarrowed = (root: Condition, own: Condition): boolean =>
  root.name === own.name && !root.invert && !own.invert;

function isWithin(own: StringMatch, root: StringMatch): boolean {
  if (root.kind === "present") return true;
  const isText = own.kind === "exact" || own.kind === "prefix";
  return root.kind === "prefix" && isText ? own.value.startsWith(root.value) : isSame(root, own);
}
