/** Whose hosts are, where their traffic goes, and what pods serve: services of every origin. */
import type { Context, Engine, Source } from "../../store/engine.ts";
import { type Inputs, lookUp } from "../inputs.ts";
import type { Endpoint, Peers, Service, Workload } from "../ir/service.ts";
import type { WorkloadEntry } from "../istio/workload-entry.ts";
import type { Pod } from "../kube.ts";
import { labelBuckets, selectorBucket, selects } from "../selector.ts";
import { type Claim, contestedService, entryClaim, followed, kubeClaim } from "./claim.ts";
import { endpointsOf, NOBODY, peersOf, type Surroundings } from "./endpoints.ts";
import { entryEndpoints } from "./entry-endpoints.ts";
import { asServices, workloadOf } from "./workload.ts";

/** Hosts by name: whose they are, as a namespace sees them. */
export interface Registry {
  /** Of all objects, whoever may see them. */
  claims(cx: Context, host: string): readonly Claim[];
  followed(cx: Context, host: string, namespace: string): readonly Claim[];
  /** Of the host that it stands for, if it is another name for one that the namespace sees. */
  service(cx: Context, host: string, namespace: string): Service | undefined;
  /** Other names for the host: their own Services, by host. */
  names(cx: Context, host: string, namespace: string): readonly Service[];
  isKnown(cx: Context, host: string): boolean;
}

export function registryOf(engine: Engine, from: Inputs): Registry {
  const claims = engine.query((cx, host: string): readonly Claim[] => [
    ...lookUp(cx, from.services, cx.get(from.servicesByHost, host)).map(kubeClaim),
    ...lookUp(cx, from.serviceEntries, cx.get(from.entriesByHost, host)).flatMap(
      (entry) => entryClaim(entry, host) ?? [],
    ),
  ]);
  const contested = engine.query((cx, namespace: string, host: string) =>
    contestedService(cx.get(claims, host), namespace),
  );
  /**
   * Where names of names end; `undefined`: outside of the mesh, or, going round, nowhere. One that a
   * ServiceEntry has too is a host of its own, as that is listed by its hosts.
   */
  const ends = engine.query((cx, name: string): string | undefined => {
    const passed = new Set<string>();
    let host = name;
    while (!passed.has(host)) {
      passed.add(host);
      const [first, ...others] = cx.get(claims, host);
      if (first === undefined) return undefined;
      if (first.service.standsFor === undefined || others.length > 0) return host;
      host = first.service.standsFor;
    }
    return undefined;
  });
  // Nearly every host is one object's, and then there is nothing to remember for each namespace.
  const own = (cx: Context, host: string, namespace: string): Service | undefined => {
    const all = cx.get(claims, host);
    return all.length > 1
      ? cx.get(contested, namespace, host)
      : followed(all, namespace)[0]?.service;
  };
  const service = (cx: Context, host: string, namespace: string): Service | undefined => {
    const found = own(cx, host, namespace);
    if (found?.standsFor === undefined) return found;
    const end = cx.get(ends, host);
    return (end === undefined ? undefined : own(cx, end, namespace)) ?? found;
  };
  return {
    claims: (cx, host) => cx.get(claims, host),
    followed: (cx, host, namespace) => followed(cx.get(claims, host), namespace),
    service,
    names: (cx, host, namespace) =>
      namesFor(cx, from, host)
        .filter((name) => service(cx, name, namespace)?.host === host)
        .flatMap((name) => own(cx, name, namespace) ?? []),
    isKnown: (cx, host) =>
      cx.get(from.servicesByHost, host).length > 0 || cx.get(from.entriesByHost, host).length > 0,
  };
}

/** Names for the host, and for those names, sorted; none of those that lead round to it. */
function namesFor(cx: Context, from: Inputs, host: string): readonly string[] {
  const direct = cx.get(from.namesFor, host);
  if (direct.length === 0) return direct;
  const found = new Set(direct);
  for (const name of found) for (const other of cx.get(from.namesFor, name)) found.add(other);
  found.delete(host);
  return [...found].sort();
}

interface EndpointSettings {
  readonly trustDomain: string;
  readonly registry: Registry;
}

/** Where the traffic of a host can go, and who answers there, as a namespace sees it. */
export function endpointsQuery(
  engine: Engine,
  from: Inputs,
  { trustDomain, registry }: EndpointSettings,
) {
  const ofService = serviceEndpoints(engine, from, trustDomain);
  const ofEntry = hostEndpoints(engine, from, trustDomain);
  const merged = engine.query((cx, namespace: string, host: string): readonly Endpoint[] =>
    registry
      .followed(cx, host, namespace)
      .flatMap((claim) => ofClaim({ ofService, ofEntry }, cx, { claim, host })),
  );
  const endpoints = { ofService, ofEntry, merged };
  return {
    endpoints: bySource(registry, endpoints, []),
    peers: bySource(registry, peersQueries(engine, endpoints), NOBODY),
  };
}

/** A fact of a host: by key of its Service, of its ServiceEntry, or where several have it, by namespace. */
interface BySource<V> {
  readonly ofService: Source<[key: string], V>;
  readonly ofEntry: Source<[key: string, host: string], V>;
  readonly merged: Source<[namespace: string, host: string], V>;
}

function ofClaim<V>(
  { ofService, ofEntry }: Omit<BySource<V>, "merged">,
  cx: Context,
  { claim: { kube, namespace, name }, host }: { readonly claim: Claim; readonly host: string },
): V {
  return kube === undefined
    ? cx.get(ofEntry, `${namespace}/${name}`, host)
    : cx.get(ofService, `${namespace}/${name}`);
}

const bySource =
  <V>(registry: Registry, sources: BySource<V>, none: V) =>
  (cx: Context, host: string, namespace: string): V => {
    const [claim, ...others] = registry.followed(cx, host, namespace);
    if (claim === undefined) return none;
    return others.length === 0
      ? ofClaim(sources, cx, { claim, host })
      : cx.get(sources.merged, namespace, host);
  };

/** They seldom change with the endpoints, and clusters depend on nothing else of these. */
function peersQueries(
  engine: Engine,
  { ofService, ofEntry, merged }: BySource<readonly Endpoint[]>,
): BySource<Peers> {
  return {
    ofService: engine.query((cx, key: string) => peersOf(cx.get(ofService, key))),
    ofEntry: engine.query((cx, key: string, host: string) => peersOf(cx.get(ofEntry, key, host))),
    merged: engine.query((cx, namespace: string, host: string) =>
      peersOf(cx.get(merged, namespace, host)),
    ),
  };
}

/** By key of the Service. */
const serviceEndpoints = (engine: Engine, from: Inputs, trustDomain: string) =>
  engine.query((cx, key: string): readonly Endpoint[] => {
    const found = cx.get(from.services, key)?.value;
    if (found === undefined) return [];
    const slices = cx.get(from.slicesOf, key).flatMap((slice) => cx.get(from.slices, slice) ?? []);
    const entries = found.selector === undefined ? [] : selectedEntries(cx, from, found);
    return endpointsOf(found, { slices, entries }, around(cx, from, trustDomain));
  });

/** By key of the ServiceEntry, and host. */
const hostEndpoints = (engine: Engine, from: Inputs, trustDomain: string) =>
  engine.query((cx, key: string, host: string): readonly Endpoint[] => {
    const entry = cx.get(from.serviceEntries, key)?.value;
    const service = entry?.services.find((one) => one.host === host);
    if (entry === undefined || service === undefined) return [];
    const isSelecting = entry.selector !== undefined && entry.places.length === 0;
    const selected = {
      entries: isSelecting ? selectedEntries(cx, from, entry) : [],
      pods: isSelecting ? selectedPods(cx, from, entry) : [],
    };
    return entryEndpoints(entry, service, selected, around(cx, from, trustDomain));
  });

const around = (cx: Context, from: Inputs, trustDomain: string): Surroundings => ({
  trustDomain,
  pod: (key) => cx.get(from.pods, key),
  locality: (node) => cx.get(from.nodes, node),
});

interface Selecting {
  readonly namespace: string;
  readonly selector?: Readonly<Record<string, string>>;
}

const bucketOf = ({ namespace, selector = {} }: Selecting): string =>
  `${namespace} ${selectorBucket(selector)}`;

const selectedEntries = (cx: Context, from: Inputs, by: Selecting): readonly WorkloadEntry[] =>
  lookUp(cx, from.workloadEntries, cx.get(from.workloadEntriesLabelled, bucketOf(by))).filter(
    ({ place }) => selects(by.selector ?? {}, place.labels),
  );

const selectedPods = (cx: Context, from: Inputs, by: Selecting): readonly Pod[] =>
  cx
    .get(from.podsLabelled, bucketOf(by))
    .flatMap((pod) => cx.get(from.pods, pod) ?? [])
    .filter(({ labels }) => selects(by.selector ?? {}, labels));

/** What a pod serves: the ports of all that selects it. */
export function workloadQuery(engine: Engine, from: Inputs) {
  return engine.query((cx, key: string): Workload | undefined => {
    const pod = cx.get(from.pods, key);
    if (pod === undefined) return undefined;
    const buckets = labelBuckets(pod.labels).map((bucket) => `${pod.namespace} ${bucket}`);
    const services = buckets.flatMap((bucket) =>
      lookUp(cx, from.services, cx.get(from.servicesSelecting, bucket)),
    );
    const entries = buckets.flatMap((bucket) =>
      lookUp(cx, from.serviceEntries, cx.get(from.entriesSelecting, bucket)),
    );
    return workloadOf(
      pod,
      [...services, ...entries.flatMap(asServices)].filter(({ selector = {} }) =>
        selects(selector, pod.labels),
      ),
    );
  });
}
