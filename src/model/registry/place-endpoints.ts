/** Workloads outside of Kubernetes as endpoints. */
import { defined } from "../../util/defined.ts";
import { ownValue } from "../../util/own-value.ts";
import type { Endpoint } from "../ir/service.ts";
import type { Place } from "../istio/place.ts";

type At = Pick<Endpoint, "port" | "portName">;

interface Owner {
  /** The place's own: its identity is of it. */
  readonly namespace: string;
  readonly trustDomain: string;
}

export function placeEndpoint(place: Place, at: At, { namespace, trustDomain }: Owner): Endpoint {
  const { address, labels, tls, locality, serviceAccount, weight, network } = place;
  const identity =
    tls && serviceAccount ? `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}` : "";
  return {
    address,
    ...at,
    labels,
    tls,
    health: "healthy",
    locality,
    ...defined({ identity: identity || undefined, weight, network }),
  };
}

/** Where a place listens for a service's port. */
export function portAt({ ports }: Place, portName: string, otherwise: number): number {
  return ownValue(ports, portName) ?? otherwise;
}
