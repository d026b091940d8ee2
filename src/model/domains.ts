import type { KubeService } from "./kube.ts";

/**
 * The other names by which clients in `namespace` mean a service's host: short forms that the
 * cluster's DNS completes, the form with a final dot, its addresses, and for a headless service the
 * names of its pods.
 */
export function aliases(
  { service }: Pick<KubeService, "service">,
  namespace: string,
): readonly string[] {
  const { host, name, addresses, resolution } = service;
  const inNamespace = `${name}.${service.namespace}`;
  return [
    `${host}.`,
    ...(service.namespace === namespace ? [name] : []),
    inNamespace,
    `${inNamespace}.svc`,
    ...addresses.map(addressDomain),
    ...(resolution === "headless" ? [`*.${host}`] : []),
  ];
}

/** An address as requests name it. */
export function addressDomain(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
