/** A VirtualService may leave some of its rules to another: their conditions hold together. */
import type { HttpMatch, HttpRule, PathMatch } from "./ir/route.ts";

/** A rule that is another object's to fill. */
export interface Delegation {
  /** How many of the object's own rules come before it. */
  readonly position: number;
  /** `namespace/name` of the other VirtualService. */
  readonly key: string;
  /** What the other's rules inherit; its action is what holds while the other is not there. */
  readonly rule: HttpRule;
}

/** The object's rules with every delegation filled. */
export function withDelegates(
  rules: readonly HttpRule[],
  delegations: readonly Delegation[],
  rulesOf: (key: string) => readonly HttpRule[] | undefined,
): readonly HttpRule[] {
  const filled = delegations.map(({ position, key, rule }) => ({
    position,
    rules: rulesOf(key)?.flatMap((own) => inherited(rule, own) ?? []) ?? [rule],
  }));
  const at = (position: number): readonly HttpRule[] =>
    filled.filter((f) => f.position === position).flatMap((f) => f.rules);
  return [...rules.flatMap((rule, i) => [...at(i), rule]), ...at(rules.length)];
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

/** Both at once; `undefined` if they contradict each other. */
function joinedMatch(root: HttpMatch, own: HttpMatch): HttpMatch | undefined {
  const path = joinedPath(root.path, own.path);
  const headers = joinedList(root.headers, own.headers);
  const query = joinedList(root.query, own.query);
  const claims = joinedList(root.claims ?? [], own.claims ?? []);
  const agree = agrees(root.port, own.port) && agrees(root.sourceNamespace, own.sourceNamespace);
  if (!agree || path === undefined) return undefined;
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

function joinedLabels(root: HttpMatch, own: HttpMatch): Pick<HttpMatch, "sourceLabels"> {
  const labels = { ...root.sourceLabels, ...own.sourceLabels };
  return Object.keys(labels).length > 0 ? { sourceLabels: labels } : {};
}

function agrees<T>(root: T | undefined, own: T | undefined): boolean {
  return root === undefined || own === undefined || root === own;
}

/** The narrower of two, one of which must lie within the other. */
function joinedPath(root: PathMatch, own: PathMatch): PathMatch | undefined {
  if (isEverything(own)) return root;
  if (isEverything(root)) return own;
  if (root.kind === "regex" || own.kind === "regex") return isSame(root, own) ? own : undefined;
  if (root.kind === "exact") return isSame(root, own) ? own : undefined;
  return own.path.startsWith(root.path) ? own : undefined;
}

function isEverything(path: PathMatch): boolean {
  return path.kind === "prefix" && path.path === "/";
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Conditions on one name must be the same condition. */
function joinedList<T extends { readonly name: string }>(
  root: readonly T[],
  own: readonly T[],
): readonly T[] | undefined {
  const contradict = own.some((o) => root.some((r) => r.name === o.name && !isSame(r, o)));
  if (contradict) return undefined;
  return [...root, ...own.filter((o) => !root.some((r) => r.name === o.name))];
}
