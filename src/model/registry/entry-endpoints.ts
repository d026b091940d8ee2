/** Where the traffic of a ServiceEntry's host can go. */

import type { Endpoint, Service } from "../ir/service.ts";
import { isReachable, type Place } from "../istio/place.ts";
import type { ServiceEntry } from "../istio/service-entry.ts";
import type { WorkloadEntry } from "../istio/workload-entry.ts";
import type { Pod } from "../kube.ts";
import { podEndpoint, type Surroundings } from "./endpoints.ts";
import { placeEndpoint, portAt } from "./place-endpoints.ts";

/** What an entry's selector selects. */
export interface Selected {
  readonly pods: readonly Pod[];
  readonly entries: readonly WorkloadEntry[];
}

export function entryEndpoints(
  entry: ServiceEntry,
  service: Service,
  selected: Selected,
  around: Surroundings,
): readonly Endpoint[] {
  const places = placesOf(entry, service, selected);
  return service.ports.flatMap(({ name, port }) => {
    const target = entry.targetPorts[port] ?? port;
    const owner = { namespace: entry.namespace, trustDomain: around.trustDomain };
    const all = [
      ...places.map((place) =>
        placeEndpoint(place, { portName: name, port: portAt(place, name, target) }, owner),
      ),
      ...selected.pods.flatMap(
        (pod) => podEndpoint(pod, { portName: name, port: target }, around) ?? [],
      ),
    ];
    return all.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  });
}

/** Without any endpoint a name that is looked up is the host's own. */
function placesOf(
  { places, selector }: ServiceEntry,
  { host, resolution }: Service,
  { entries }: Selected,
): readonly Place[] {
  const isLookedUp = resolution === "dns" || resolution === "dns-round-robin";
  if (places.length === 0 && selector === undefined && isLookedUp) return [namedPlace(host)];
  const selected = entries.map(({ place }) => place);
  return [...places, ...selected.filter((place) => isReachable(place, resolution))];
}

const namedPlace = (address: string): Place => ({
  address,
  ports: {},
  labels: {},
  locality: { region: "", zone: "" },
  tls: false,
});
