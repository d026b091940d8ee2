/** Which address a LoadBalancer Service gets. Pure. */
import type { Dual } from "./addresses.ts";

type Family = "IPv4" | "IPv6";

export interface Service {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly spec: { readonly type?: string; readonly ipFamilies?: readonly Family[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly Ingress[] } };
}

export interface Ingress {
  readonly ip: string;
}

/** Addresses below belong to the node and its link. */
const firstHost = 16;
const lastHost = 254;

const ingressOf = (service: Service): readonly Ingress[] =>
  service.status?.loadBalancer?.ingress ?? [];

function address(host: number, family: Family, range: Dual): string {
  return family === "IPv4"
    ? range.v4.replace(/\.0\/24$/, `.${host}`)
    : range.v6.replace(/::\/64$/, `::${host.toString(16)}`);
}

function freeHost(others: readonly Service[], range: Dual): number {
  const taken = new Set(others.flatMap(ingressOf).map(({ ip }) => ip));
  for (let host = firstHost; host <= lastHost; host += 1) {
    const both = [address(host, "IPv4", range), address(host, "IPv6", range)];
    if (!both.some((ip) => taken.has(ip))) return host;
  }
  throw new RangeError(`no address is left in ${range.v4} for a LoadBalancer Service`);
}

/** What a Service's status should say of its addresses, or undefined if it says so already. */
export function assign(
  service: Service,
  all: readonly Service[],
  range: Dual,
): readonly Ingress[] | undefined {
  const has = ingressOf(service);
  if (service.spec.type !== "LoadBalancer") return has.length > 0 ? [] : undefined;
  if (has.length > 0) return undefined;
  const others = all.filter((other) => other.metadata.uid !== service.metadata.uid);
  const host = freeHost(others, range);
  const families = service.spec.ipFamilies ?? ["IPv4"];
  return families.map((family) => ({ ip: address(host, family, range) }));
}
