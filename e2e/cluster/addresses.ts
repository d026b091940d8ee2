/** One cluster's addresses, all computed from its slot. Pure. */
export interface Addresses {
  readonly slot: number;
  /** The machine's own end of the link to the node. */
  readonly host: Dual;
  readonly node: Dual;
  /** What LoadBalancer Services get their addresses from; routed to the node. */
  readonly loadBalancerRange: Dual;
  readonly podRange: Dual;
  readonly serviceRange: Dual;
  /** The ClusterIP of the API server: the first of the service range. */
  readonly apiService: Dual;
  readonly dnsService: string;
  /** The machine's network interface that leads to the node. */
  readonly hostInterface: string;
  /** The node's network interface that leads to the cluster in another slot. */
  readonly peerInterface: (slot: number) => string;
  readonly cgroup: string;
}

/** An address or range in both families. */
export interface Dual {
  readonly v4: string;
  readonly v6: string;
}

/** How many clusters fit on one machine: each has a /16 for pods and one for services in 10.128/9. */
export const slots = 64;

export const linkPrefix: Dual = { v4: "30", v6: "126" };

/** What all the pods of all clusters share: between them no address is ever translated. */
export const allPods: Dual = { v4: "10.128.0.0/10", v6: "fd6d:7700:1::/48" };

export function addresses(slot: number): Addresses {
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots) {
    throw new RangeError(`there is no slot ${slot}: slots go from 0 to ${slots - 1}`);
  }
  const hex = slot.toString(16);
  const services = `10.${192 + slot}.0`;
  return {
    slot,
    host: { v4: `172.30.${slot}.1`, v6: `fd6d:7700:0:${hex}::1` },
    node: { v4: `172.30.${slot}.2`, v6: `fd6d:7700:0:${hex}::2` },
    loadBalancerRange: { v4: `172.30.${slot}.0/24`, v6: `fd6d:7700:0:${hex}::/64` },
    podRange: { v4: `10.${128 + slot}.0.0/16`, v6: `fd6d:7700:1:${hex}::/64` },
    serviceRange: { v4: `${services}.0/16`, v6: `fd6d:7700:2:${hex}::/112` },
    apiService: { v4: `${services}.1`, v6: `fd6d:7700:2:${hex}::1` },
    dnsService: `${services}.10`,
    hostInterface: `meshwright${slot}`,
    peerInterface: (other) => `peer${other}`,
    cgroup: `meshwright-${slot}`,
  };
}

/** The order in which a cluster tries slots: the same on every run, so that addresses stay. */
export function slotOrder(identity: string): number[] {
  const first = Buffer.from(identity).reduce((hash, byte) => (hash * 31 + byte) >>> 0, 7);
  return Array.from({ length: slots }, (_, step) => (first + step) % slots);
}

function parseRange(range: string): { readonly base: number; readonly bits: number } {
  const [address = "", bits = "32"] = range.split("/");
  const base = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return { base, bits: Number(bits) };
}

/** Whether two IPv4 ranges (`10.0.0.0/8`, or an address alone) share an address. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [parseRange(one), parseRange(other)];
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

/** The IPv4 name servers of a resolv.conf. */
export const nameservers = (resolver: string): string[] =>
  [...resolver.matchAll(/^nameserver\s+(\d+(?:\.\d+){3})\s*$/gm)].map(([, server = ""]) => server);

/** Whether a slot's addresses are free on a machine that uses these IPv4 ranges. */
export function isFree(slot: number, used: readonly string[]): boolean {
  const { loadBalancerRange, podRange, serviceRange } = addresses(slot);
  const wanted = [loadBalancerRange.v4, podRange.v4, serviceRange.v4];
  return !used.some((one) => wanted.some((range) => overlaps(range, one)));
}
