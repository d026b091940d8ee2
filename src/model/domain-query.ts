import type { Context, Engine, Source } from "../store/engine.ts";
import { addressDomain, aliases, isAddress, podsDomain } from "./domains.ts";
import type { Inputs } from "./inputs.ts";
import type { Service } from "./ir/service.ts";
import type { Registry } from "./registry/queries.ts";
import { namespaceOf } from "./scope.ts";

const ANYBODY = "";

/** A host's other names. */
interface Names {
  readonly all: readonly string[];
  /** Those that some other object has, too, whoever may see it. */
  readonly contested: readonly string[];
}

export interface DomainSources {
  readonly registry: Registry;
  readonly takesUnknown: Source<[scope: string, port: number], boolean>;
  readonly unknownHosts: Source<[scope: string, port: number], readonly string[]>;
}

/**
 * As far as the scope sees it: a name that is a host in its own right, or another host's address, is
 * no alias; nor, where hosts without a service are routed, is the name of one that has routes.
 */
export function domainQuery(engine: Engine, from: Inputs, sources: DomainSources) {
  const { registry, takesUnknown, unknownHosts } = sources;
  const { names, routed } = nameQueries(engine, from, registry);
  const isTaken = (cx: Context, name: string, { host, namespace }: Viewed): boolean => {
    const seen = (one: string): Service | undefined => registry.service(cx, one, namespace);
    const owner = ownersOf(cx, from, name).find((one) => has(seen(one), name)) ?? host;
    return owner !== host || seen(name) !== undefined;
  };
  const isRouted = (cx: Context, name: string, { scope, port }: Viewed): boolean =>
    cx.get(unknownHosts, scope, port).includes(name);
  const namesOf = (cx: Context, service: Service, viewed: Viewed): readonly string[] => {
    const { scope, namespace, port } = viewed;
    const { host } = service;
    const viewer = registry.claims(cx, host).length > 1 ? namespace : ANYBODY;
    const { all, contested } = cx.get(names, host, viewer);
    const routes = cx.get(takesUnknown, scope, port) ? cx.get(routed, host, viewer) : [];
    const isNear = service.registered === true || service.namespace === namespace;
    const short = isNear ? [] : [service.name, podsDomain(service.name)];
    return all.filter(
      (name) =>
        !short.includes(name) &&
        !(contested.includes(name) && isTaken(cx, name, { ...viewed, host })) &&
        !(routes.includes(name) && isRouted(cx, name, viewed)),
    );
  };
  return engine.query((cx, scope: string, port: number, host: string): readonly string[] => {
    const namespace = namespaceOf(scope);
    const found = registry.service(cx, host, namespace);
    if (found === undefined) return [host];
    const viewed = { scope, namespace, port, host };
    const others = registry.names(cx, host, namespace);
    return [
      host,
      ...namesOf(cx, found, viewed),
      ...others.flatMap((one) => [one.host, ...namesOf(cx, one, viewed)]),
    ];
  });
}

interface Viewed {
  readonly scope: string;
  readonly namespace: string;
  readonly port: number;
  /** Whose names they are. */
  readonly host: string;
}

/** Hosts with an address, whoever may see them: it is the first one's that is seen. */
const ownersOf = (cx: Context, from: Inputs, name: string): readonly string[] =>
  isAddress(name)
    ? [from.serviceExports, from.entryExports].flatMap(({ byAddress }) => cx.get(byAddress, name))
    : [];

const has = (service: Service | undefined, name: string): boolean =>
  service !== undefined && service.addresses.some((address) => addressDomain(address) === name);

/** The same for all who look, but for a host that several claim, and its name alone in other namespaces. */
function nameQueries(engine: Engine, from: Inputs, registry: Registry) {
  const isContested = (cx: Context, name: string, host: string): boolean =>
    registry.isKnown(cx, name) || ownersOf(cx, from, name).some((owner) => owner !== host);
  const names = engine.query((cx, host: string, viewer: string): Names => {
    const service =
      viewer === ANYBODY
        ? registry.claims(cx, host)[0]?.service
        : registry.service(cx, host, viewer);
    const all = service === undefined ? [] : aliases(service, service.namespace);
    return { all, contested: all.filter((name) => isContested(cx, name, host)) };
  });
  /** Those that some routing is for. */
  const routed = engine.query((cx, host: string, viewer: string): readonly string[] =>
    cx.get(names, host, viewer).all.filter((name) => cx.get(from.meshRoutes, name).length > 0),
  );
  return { names, routed };
}
