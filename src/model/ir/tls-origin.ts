import type { DestinationPolicy, PortPolicy, TlsOrigin } from "./traffic.ts";

/** TLS that is not the mesh's own, if the policy asks for it. */
export const originOf = ({ tls }: PortPolicy): TlsOrigin | undefined =>
  typeof tls === "object" && !("mesh" in tls) ? tls : undefined;

/** Of all that the policy says: as a whole, of subsets and of ports. */
export const originsOf = (destination: DestinationPolicy): readonly TlsOrigin[] =>
  [destination, ...destination.subsets]
    .flatMap(({ policy }) => policy ?? [])
    .flatMap((policy): readonly PortPolicy[] => [policy, ...Object.values(policy.ports ?? {})])
    .flatMap((policy) => originOf(policy) ?? []);
