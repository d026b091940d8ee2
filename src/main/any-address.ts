import { networkInterfaces } from "node:os";

/** Every address of the pod, of both families where it has both: not every node knows IPv6. */
export function anyAddress(interfaces = networkInterfaces()): string {
  const addresses = Object.values(interfaces).flatMap((one) => one ?? []);
  return addresses.some(({ family }) => family === "IPv6") ? "::" : "0.0.0.0";
}
