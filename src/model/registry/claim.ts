/** Whose a host is: a Kubernetes Service's, or that of ServiceEntries, as a namespace sees them. */
import type { Service } from "../ir/service.ts";
import type { ServiceEntry } from "../istio/service-entry.ts";
import type { KubeService } from "../kube.ts";
import { byAge, type Origin } from "../origin.ts";
import { isVisible, reach } from "../visibility.ts";

/** One object's word on a host. */
export interface Claim extends Origin {
  readonly service: Service;
  /** One of the two. */
  readonly kube?: KubeService;
  readonly entry?: ServiceEntry;
}

export const kubeClaim = (kube: KubeService): Claim => ({
  ...claimOrigin(kube),
  service: kube.service,
  kube,
});

export function entryClaim(entry: ServiceEntry, host: string): Claim | undefined {
  const service = entry.services.find((one) => one.host === host);
  return service && { ...claimOrigin(entry), service, entry };
}

const claimOrigin = ({ namespace, name, created, exportTo }: Origin): Origin => ({
  namespace,
  name,
  created,
  exportTo,
});

/**
 * Those that a namespace follows, the first of them first. A Kubernetes Service comes before all
 * others, then what is exported least widely, then the oldest; what the first one's namespace also
 * says of the host adds to it.
 */
export function followed(claims: readonly Claim[], namespace: string): readonly Claim[] {
  const [only] = claims;
  if (only === undefined) return claims;
  if (claims.length === 1) return isVisible(only, namespace) ? claims : [];
  const [first, ...others] = visible(claims, namespace);
  return first === undefined ? [] : [first, ...others.filter((other) => addsTo(first, other))];
}

const visible = (claims: readonly Claim[], namespace: string): readonly Claim[] =>
  claims
    .filter((claim) => isVisible(claim, namespace))
    .sort((a, b) => rank(a, namespace) - rank(b, namespace) || byAge(a, b));

const rank = (claim: Claim, namespace: string): number =>
  claim.kube === undefined ? 1 + reach(claim, namespace) : 0;

/** Endpoints of a ServiceEntry may join a Service; two ServiceEntries must agree in how they resolve. */
function addsTo({ kube, service }: Claim, other: Claim): boolean {
  if (other.namespace !== service.namespace) return false;
  const { resolution, external } = other.service;
  if (kube !== undefined) return resolution === "static" && service.resolution !== "dns";
  return resolution === service.resolution && external === service.external;
}

/** What a host is that several claim, as a namespace sees it. */
export function contestedService(claims: readonly Claim[], namespace: string): Service | undefined {
  const merged = mergedService(followed(claims, namespace));
  if (merged === undefined) return undefined;
  const names = visible(claims, namespace)
    .filter((claim) => claim.namespace === merged.namespace)
    .flatMap(({ service }) => service.subjectAltNames ?? []);
  return names.length === 0 ? merged : { ...merged, subjectAltNames: [...new Set(names)] };
}

/** A Service's ports are its own; those of ServiceEntries are all there are, each from the first. */
function mergedService([first, ...others]: readonly Claim[]): Service | undefined {
  if (first === undefined || others.length === 0 || first.kube !== undefined) return first?.service;
  const services = [first, ...others].map(({ service }) => service);
  const ports = services.flatMap((service) => service.ports);
  return {
    ...first.service,
    addresses: [...new Set(services.flatMap(({ addresses }) => addresses))],
    ports: [...new Map(ports.toReversed().map((port) => [port.port, port])).values()].sort(
      (a, b) => a.port - b.port,
    ),
  };
}
