/**
 * Which endpoints come first for a client, and what share each place gets. A client's own place is
 * read only if it makes a difference, so that clients everywhere share what is the same for all.
 */

import {
  HOSTNAME,
  TOPOLOGY_NETWORK,
  TOPOLOGY_REGION,
  TOPOLOGY_SUBZONE,
  TOPOLOGY_ZONE,
} from "../api/labels.ts";
import { localityText, parseLocality } from "../api/locality.ts";
import type { MeshSettings } from "../model/ir/mesh.ts";
import type { Endpoint, Service } from "../model/ir/service.ts";
import type { LocalityPolicy, TrafficPolicy } from "../model/ir/traffic.ts";
import { ownValue } from "../util/own-value.ts";
import type { ProxyView } from "./view.ts";

export interface Nearness {
  readonly policy: Omit<LocalityPolicy, "enabled">;
  /** Whether those that are farther stand in for the near: something must tell that these fail. */
  readonly failover: boolean;
}

/** Labels by which services prefer the near: what comes first weighs most. */
const PREFERRED = {
  zone: [TOPOLOGY_NETWORK, TOPOLOGY_REGION, TOPOLOGY_ZONE],
  node: [TOPOLOGY_NETWORK, TOPOLOGY_REGION, TOPOLOGY_ZONE, TOPOLOGY_SUBZONE, HOSTNAME],
} as const;

/** A rule's own settings, else what the service asks for, else the mesh's. */
export function nearnessOf(
  { balancing, outlier }: TrafficPolicy,
  { prefers }: Pick<Service, "prefers">,
  { localityLbSetting }: Pick<MeshSettings, "localityLbSetting">,
): Nearness | undefined {
  const own = balancing?.locality;
  if (own === undefined && prefers !== undefined)
    return { policy: { failoverPriority: PREFERRED[prefers] }, failover: true };
  const policy = own ?? localityLbSetting ?? { enabled: true };
  return policy.enabled ? { policy, failover: outlier !== undefined } : undefined;
}

/** Whether Envoy has to go by the shares of places, not only by those of endpoints. */
export function weighsPlaces(nearness: Nearness | undefined): boolean {
  if (nearness === undefined) return false;
  const { distribute, failover, failoverPriority } = nearness.policy;
  if (distribute !== undefined) return true;
  return nearness.failover && (failover !== undefined || failoverPriority !== undefined);
}

/** Endpoints of one place that are equally near. */
export interface Group {
  readonly locality: Endpoint["locality"];
  /** 0 comes first; no number is left out. */
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly Endpoint[];
}

export function arranged(
  endpoints: readonly Endpoint[],
  nearness: Nearness | undefined,
  client: ProxyView,
): readonly Group[] {
  const groups = grouped(endpoints, () => 0);
  if (nearness === undefined || endpoints.length === 0) return groups;
  const { distribute, failover, failoverPriority } = nearness.policy;
  if (distribute !== undefined) return distributed(groups, distribute, client);
  if (!nearness.failover) return groups;
  return grouped(endpoints, distanceOf({ failover, failoverPriority, endpoints, client }));
}

type Distance = (endpoint: Endpoint) => number;

function grouped(endpoints: readonly Endpoint[], distance: Distance): readonly Group[] {
  const byDistance = [...Map.groupBy(endpoints, distance)].sort(([a], [b]) => a - b);
  return byDistance.flatMap(([, near], priority) =>
    [...Map.groupBy(near, ({ locality }) => localityText(locality))]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, members]) => {
        const [first] = members;
        return first === undefined
          ? []
          : [{ locality: first.locality, priority, weight: weightOf(members), endpoints: members }];
      }),
  );
}

const weightOf = (members: readonly Endpoint[]): number =>
  members.reduce((sum, { weight = 1 }) => sum + weight, 0);

/** A share of 1 percent among many places is still a whole number. */
const PRECISION = 1_000;

/** The shares that the first entry for the client's place gives; places that it leaves out get none. */
function distributed(
  groups: readonly Group[],
  distribute: NonNullable<LocalityPolicy["distribute"]>,
  { locality = "" }: ProxyView,
): readonly Group[] {
  const entry = distribute.find(({ from }) => covers(from, parseLocality(locality)));
  if (entry === undefined) return groups;
  const shares = Object.entries(entry.to).sort(([a], [b]) => precision(b) - precision(a));
  const byShare = Map.groupBy(groups, (group) =>
    shares.find(([place]) => covers(place, group.locality)),
  );
  return [...byShare]
    .flatMap(([share, members]) => {
      const total = members.reduce((sum, { weight }) => sum + weight, 0);
      const weightFor = (part: number): number =>
        Math.round(((share?.[1] ?? 0) * PRECISION * part) / total);
      return members.map((group) => ({ ...group, weight: weightFor(group.weight) }));
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => (localityText(a.locality) < localityText(b.locality) ? -1 : 1));
}

/** How much of a place a pattern says. */
const precision = (place: string): number =>
  place.split("/").filter((part) => part !== "" && part !== "*").length;

function covers(pattern: string, { region, zone, subzone = "" }: Endpoint["locality"]): boolean {
  const [wantedRegion = "", ...others] = pattern.split("/");
  if (wantedRegion === "*") return true;
  const matches = (wanted: string, part: string): boolean =>
    wanted === "" || wanted === "*" || wanted === part;
  const [wantedZone = "", wantedSubzone = ""] = others;
  return region === wantedRegion && matches(wantedZone, zone) && matches(wantedSubzone, subzone);
}

interface Comparison {
  readonly failover: LocalityPolicy["failover"] | undefined;
  readonly failoverPriority: LocalityPolicy["failoverPriority"] | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly client: ProxyView;
}

/** By labels, if any are named, then by place unless only labels are. */
function distanceOf({ failover, failoverPriority = [], endpoints, client }: Comparison): Distance {
  const byLabels = labelDistance(failoverPriority, endpoints, client);
  if (failoverPriority.length > 0 && failover === undefined) return byLabels;
  const byPlace = placeDistance(failover ?? [], endpoints, client);
  return (endpoint) => byLabels(endpoint) * PLACES + byPlace(endpoint);
}

const NOWHERE: Distance = () => 0;
/** Same subzone, zone, region, the region that stands in, the rest. */
const PLACES = 5;

function placeDistance(
  failover: NonNullable<LocalityPolicy["failover"]>,
  endpoints: readonly Endpoint[],
  client: ProxyView,
): Distance {
  if (!differ(endpoints, ({ locality }) => localityText(locality))) return NOWHERE;
  const here = parseLocality(client.locality ?? "");
  const standIn = failover.find(({ from }) => from === here.region)?.to;
  return ({ locality: { region, zone, subzone } }) => {
    if (region !== here.region) return standIn === undefined || standIn === region ? 3 : 4;
    if (zone !== here.zone) return 2;
    return subzone === here.subzone ? 0 : 1;
  };
}

/** The sooner a label differs from the client's, the farther. */
function labelDistance(
  priority: readonly string[],
  endpoints: readonly Endpoint[],
  client: ProxyView,
): Distance {
  const labels = priority.map((entry) => {
    const [label = "", value] = entry.split("=");
    return { label, value };
  });
  // Where nobody says which network it is in, there is one.
  const telling = labels.filter(
    ({ label }) => label !== TOPOLOGY_NETWORK || endpoints.some((e) => labelOf(e, label) !== ""),
  );
  if (!telling.some(({ label }) => differ(endpoints, (e) => labelOf(e, label)))) return NOWHERE;
  return (endpoint) => {
    const first = telling.findIndex(
      ({ label, value = clientLabel(client, label) }) => labelOf(endpoint, label) !== value,
    );
    return first < 0 ? 0 : telling.length - first;
  };
}

function differ(endpoints: readonly Endpoint[], of: (endpoint: Endpoint) => string): boolean {
  const [first, ...others] = endpoints;
  return first !== undefined && others.some((other) => of(other) !== of(first));
}

/** Labels that say where a workload runs are the cluster's to tell, not the workload's. */
const PLACE_LABELS: Readonly<
  Record<string, (locality: Endpoint["locality"]) => string | undefined>
> = {
  [TOPOLOGY_REGION]: ({ region }) => region,
  [TOPOLOGY_ZONE]: ({ zone }) => zone,
  [TOPOLOGY_SUBZONE]: ({ subzone }) => subzone,
};

function labelOf({ locality, labels, node, network }: Endpoint, label: string): string {
  if (label === HOSTNAME) return node ?? "";
  if (label === TOPOLOGY_NETWORK && network !== undefined) return network;
  const place = ownValue(PLACE_LABELS, label);
  return (place === undefined ? ownValue(labels, label) : place(locality)) ?? "";
}

function clientLabel(client: ProxyView, label: string): string {
  if (label === HOSTNAME) return client.node ?? "";
  const place = ownValue(PLACE_LABELS, label);
  const found =
    place === undefined
      ? ownValue(client.labels, label)
      : place(parseLocality(client.locality ?? ""));
  return found ?? "";
}
