/** Whose hosts are, where their traffic goes, and what pods serve: services of every origin. */
import type { Context, Engine } from "../../store/engine.ts";
import { type Inputs, lookUp } from "../inputs.ts";
import type { Endpoint, Service, Workload } from "../ir/service.ts";
import type { WorkloadEntry } from "../istio/workload-entry.ts";
import type { Pod } from "../kube.ts";
import { labelBuckets, selectorBucket, selects } from "../selector.ts";
import { type Claim, entryClaim, followed, kubeClaim, mergedService } from "./claim.ts";
import { endpointsOf, type Surroundings } from "./endpoints.ts";
import { entryEndpoints } from "./entry-endpoints.ts";
import { asServices, workloadOf } from "./workload.ts";

/** Hosts by name: whose they are, as a namespace sees them. */
export interface Registry {
  followed(cx: Context, host: string, namespace: string): readonly Claim[];
  service(cx: Context, host: string, namespace: string): Service | undefined;
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
    mergedService(followed(cx.get(claims, host), namespace)),
  );
  const registry: Registry = {
    followed: (cx, host, namespace) => followed(cx.get(claims, host), namespace),
    // Nearly every host is one object's, and then there is nothing to remember for each namespace.
    service: (cx, host, namespace) =>
      cx.get(claims, host).length > 1
        ? cx.get(contested, namespace, host)
        : registry.followed(cx, host, namespace)[0]?.service,
    isKnown: (cx, host) => cx.get(claims, host).length > 0,
  };
  return registry;
}

interface EndpointSettings {
  readonly trustDomain: string;
  readonly registry: Registry;
}

/** Where the traffic of a host can go, as a namespace sees it. */
export function endpointsQuery(
  engine: Engine,
  from: Inputs,
  { trustDomain, registry }: EndpointSettings,
) {
  const ofService = serviceEndpoints(engine, from, trustDomain);
  const ofEntry = hostEndpoints(engine, from, trustDomain);
  const ofClaim = (cx: Context, { kube, namespace, name }: Claim, host: string) =>
    kube === undefined
      ? cx.get(ofEntry, `${namespace}/${name}`, host)
      : cx.get(ofService, `${namespace}/${name}`);
  const merged = engine.query((cx, namespace: string, host: string): readonly Endpoint[] =>
    registry.followed(cx, host, namespace).flatMap((claim) => ofClaim(cx, claim, host)),
  );
  return (cx: Context, host: string, namespace: string): readonly Endpoint[] => {
    const [first, ...others] = registry.followed(cx, host, namespace);
    if (first === undefined) return [];
    return others.length === 0 ? ofClaim(cx, first, host) : cx.get(merged, namespace, host);
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
