/**
 * What a sidecar sees of the mesh. A scope is that of all proxies in a namespace, or what a Sidecar
 * leaves of it; proxies of one scope share everything. Its id is the namespace, and after a space the
 * key of the Sidecar, if one has a say in it.
 */
import type { Context, Engine, Source } from "../store/engine.ts";
import { union } from "../store/sorted.ts";
import { patternsFor } from "./host.ts";
import type { Inputs } from "./inputs.ts";
import type { EgressListener, HostImport, Onlooker, Sidecar } from "./ir/sidecar.ts";
import type { SidecarModel } from "./istio/sidecar.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { byAge } from "./origin.ts";
import { selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";

export interface Scope {
  readonly namespace: string;
  /** `undefined`: everything that is exported to the namespace. */
  readonly egress: readonly EgressListener[] | undefined;
  /** Hosts that unknown traffic is sent to, imported or not. */
  readonly proxies: readonly string[];
}

const EVERYTHING = { egress: undefined, proxies: [] };

export type ScopeQuery = Source<[string], Scope>;

export function scopeQueries(engine: Engine, from: Inputs, rootNamespace: string) {
  const oldest = (cx: Context, keys: readonly string[]): string | undefined =>
    keys
      .flatMap((key) => {
        const value = cx.get(from.sidecars, key)?.value;
        return value === undefined ? [] : [{ ...value, key }];
      })
      .sort(byAge)[0]?.key;
  const ofNamespace = engine.query((cx, namespace: string): string | undefined =>
    oldest(cx, cx.get(from.sidecarDefaults, namespace)),
  );
  /** What proxies of a namespace choose from. */
  const choices = engine.query((cx, namespace: string) => ({
    choosy: cx.get(from.sidecarsSelecting, namespace),
    common: cx.get(ofNamespace, namespace) ?? cx.get(ofNamespace, rootNamespace),
  }));
  const sidecarKey = (cx: Context, proxy: Onlooker): string | undefined => {
    const { choosy, common } = cx.get(choices, proxy.namespace);
    // Where there is nothing to choose, nobody is asked who they are.
    if (choosy.length === 0 && common === undefined) return undefined;
    if (proxy.kind === "gateway") return undefined;
    const chosen = choosy.filter((key) => isSelected(cx.get(from.sidecars, key)?.value, proxy));
    return oldest(cx, chosen) ?? common;
  };
  const hasEgress = engine.query(
    (cx, key: string): boolean => cx.get(from.sidecars, key)?.value?.sidecar.egress !== undefined,
  );
  const visibility = engine.query((cx, key: string): Omit<Scope, "namespace"> => {
    const { egress, unknown } = cx.get(from.sidecars, key)?.value?.sidecar ?? {};
    return { egress, proxies: unknown?.kind === "proxy" ? [unknown.host] : [] };
  });
  return {
    sidecarOf: (cx: Context, proxy: Onlooker): Sidecar | undefined => {
      const key = sidecarKey(cx, proxy);
      return key === undefined ? undefined : cx.get(from.sidecars, key)?.value?.sidecar;
    },
    scopeOf: (cx: Context, proxy: Onlooker): string => {
      const key = sidecarKey(cx, proxy);
      return key === undefined || !cx.get(hasEgress, key)
        ? proxy.namespace
        : `${proxy.namespace} ${key}`;
    },
    scope: engine.query((cx, id: string): Scope => {
      const [namespace = "", key] = id.split(" ");
      const seen = key === undefined ? EVERYTHING : cx.get(visibility, key);
      return { namespace, ...seen };
    }),
  };
}

const isSelected = (model: SidecarModel | undefined, { labels }: Onlooker): boolean =>
  model !== undefined && selects(model.selector, labels);

/** The namespace of a scope, without a look at what is in it. */
export const namespaceOf = (scope: string): string => scope.split(" ", 1)[0] ?? "";

/** Of all owners, in an index of exports. */
const ANYBODY = "*";

/** Of an object: to whom it is exported, and whose it is. */
export interface Audience {
  readonly exportTo: readonly string[];
  readonly namespace: string;
}

/** Where what an object exports is filed: for whom, and from whom. */
export function audiences({ exportTo, namespace }: Audience): readonly string[] {
  return exportTo.flatMap((to) => [`${to} ${ANYBODY}`, `${to} ${namespace}`]);
}

type ExportIndex = Source<[string], readonly string[]>;

/** Members of indexes of exports that a namespace may see. */
export function exported(
  cx: Context,
  indexes: readonly ExportIndex[],
  { to, by = ANYBODY, suffix = "" }: { to: string; by?: string; suffix?: string },
): readonly string[] {
  return union(
    indexes.flatMap((index) => [
      cx.get(index, `* ${by}${suffix}`),
      cx.get(index, `${to} ${by}${suffix}`),
    ]),
  );
}

/** Whose things an import means. */
const ownerOf = ({ namespace }: HostImport, own: string): string =>
  namespace === "." ? own : namespace;

const isWildcard = (host: string): boolean => host.startsWith("*");

/** Whether some host matches both. */
export const overlap = (a: string, b: string): boolean => covers(a, b) || covers(b, a);

const covers = (pattern: string, host: string): boolean =>
  pattern === host || (isWildcard(pattern) && patternsFor(host).includes(pattern));

/** Whether the routing is among what the scope sees. */
export function seesRoutes({ namespace, egress }: Scope, routing: VirtualService): boolean {
  if (!isVisible(routing, namespace)) return false;
  if (egress === undefined) return true;
  return egress.some(({ imports }) =>
    imports.some((one) => {
      const owner = ownerOf(one, namespace);
      if (owner !== ANYBODY && owner !== routing.namespace) return false;
      return routing.routes.hosts.some((host) => overlap(one.host, host));
    }),
  );
}

/** What lists of hosts need to know of a service; most changes of a service leave it as it is. */
export interface Traits {
  readonly namespace: string;
  /** Port numbers: all, and those that speak HTTP. */
  readonly ports: readonly number[];
  readonly http: readonly number[];
  /** At addresses we do not know. */
  readonly open: readonly number[];
  readonly hasStreams: boolean;
}

/** A kind of list: the indexes that have it whole, and which single hosts belong into it. */
export interface Listing {
  readonly indexes: readonly ExportIndex[];
  readonly suffix?: string;
  readonly has: (traits: Traits) => boolean;
}

export interface Importing {
  readonly from: Inputs;
  /** As a namespace sees a host; `undefined` also of one that is another's name. */
  readonly traits: Source<[namespace: string, host: string], Traits | undefined>;
}

/** Hosts of type ExternalName as far as the mesh does not have what they stand for. */
export function unresolvedNames(
  cx: Context,
  { from, traits }: Importing,
  { to, by = ANYBODY }: { readonly to: string; readonly by?: string },
  has: Listing["has"],
): readonly string[] {
  return exported(cx, [from.namesExportedTo], { to, by }).filter((host) => {
    const known = cx.get(traits, to, host);
    return known !== undefined && has(known);
  });
}

/** The hosts of a listing that a listener imports, at the cost of those alone. */
export function importedHosts(
  cx: Context,
  importing: Importing,
  { namespace: to, listener }: { namespace: string; listener: EgressListener },
  { indexes, suffix = "", has }: Listing,
): readonly string[] {
  const { from, traits } = importing;
  const below = [from.serviceExports.hostsBelow, from.entryExports.hostsBelow];
  const found = listener.imports.flatMap((one): readonly string[] => {
    const by = ownerOf(one, to);
    const names = (): readonly string[] => unresolvedNames(cx, importing, { to, by }, has);
    if (one.host === "*") return [...exported(cx, indexes, { to, by, suffix }), ...names()];
    const hosts = isWildcard(one.host)
      ? [
          ...exported(cx, below, { to, by, suffix: ` ${one.host}` }),
          ...names().filter((host) => covers(one.host, host)),
        ]
      : [one.host];
    return hosts.filter((host) => {
      const known = cx.get(traits, to, host);
      return known !== undefined && (by === ANYBODY || by === known.namespace) && has(known);
    });
  });
  const { excluded } = listener;
  return found.filter((host) => !excluded.some((pattern) => covers(pattern, host)));
}

/** Keys or hosts of routing in an index of exports, as a listener imports them. */
export function importedRouting(
  cx: Context,
  index: ExportIndex,
  { namespace: to, listener }: { namespace: string; listener: EgressListener },
  matches: (member: string, pattern: string) => boolean,
): readonly string[] {
  return listener.imports.flatMap((one) =>
    exported(cx, [index], { to, by: ownerOf(one, to) }).filter(
      (member) => one.host === "*" || matches(member, one.host),
    ),
  );
}
