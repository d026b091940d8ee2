import { isIp } from "../util/ip.ts";
import type { Service } from "./ir/service.ts";

/**
 * The other names by which clients in `namespace` mean a service's host: short forms that the
 * cluster's DNS completes, the form with a final dot, its addresses, and for a headless service the
 * names of its pods in all these forms. The host of a ServiceEntry has no short forms.
 */
export function aliases(service: Service, namespace: string): readonly string[] {
  const { host, name, addresses, resolution } = service;
  if (service.registered) return [`${host}.`, ...addresses.map(addressDomain)];
  const inNamespace = `${name}.${service.namespace}`;
  const forms = [
    `${host}.`,
    ...(service.namespace === namespace ? [name] : []),
    inNamespace,
    `${inNamespace}.svc`,
  ];
  const ofPods = resolution === "headless" ? [host, ...forms].map(podsDomain) : [];
  return [...forms, ...addresses.map(addressDomain), ...ofPods];
}

/** Of the names that pods have below one of their service's. */
export const podsDomain = (name: string): string => `*.${name}`;

/** Of a name by which requests mean somebody. */
export const isAddress = (name: string): boolean => name.startsWith("[") || isIp(name);

/** An address as requests name it. */
export function addressDomain(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
