import type { Address, BindConfig } from "../proto/gen/envoy/config/core/v3/address.ts";
import type { AdditionalAddress } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { parseListener } from "./names.ts";

export const socketAddress = (address: string, port: number): Address => ({
  socketAddress: { address, portValue: port },
});

const UNIX = "unix://";

export const isUnix = (address: string): boolean => address.startsWith(UNIX);

/** Where an endpoint is: a socket, or a file that its proxy can open. */
export const endpointAddress = (address: string, port: number): Address =>
  isUnix(address) ? { pipe: { path: address.slice(UNIX.length) } } : socketAddress(address, port);

/** `unix:///path`, `127.0.0.1:80` or `[::1]:80`. */
export function textAddress(text: string): Address {
  if (isUnix(text)) return endpointAddress(text, 0);
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return socketAddress(address, Number(text.slice(colon + 1)));
}

/** @param path of a Unix domain socket, which the application must be able to open; `@name` has no file */
export const pipe = (path: string): Address => ({
  pipe: { path, ...(!path.startsWith("@") && { mode: 0o666 }) },
});

/** Of a listener that is called by its address and port. */
export function listenerAddress(name: string): Address {
  const { address, port } = parseListener(name);
  return socketAddress(address, port);
}

export const isIpv6 = (address: string): boolean => address.includes(":");

/** Every address of a port. IPv6 is asked for only where it is known to exist: binding it fails else. */
export function anyAddress(
  port: number,
  ipv6: boolean,
): { address: Address; additionalAddresses?: AdditionalAddress[] } {
  return {
    address: socketAddress("0.0.0.0", port),
    ...(ipv6 && { additionalAddresses: [{ address: socketAddress("::", port) }] }),
  };
}

/** Connections to the application come from here, which traffic capture lets pass. */
export const INBOUND_BIND: BindConfig = {
  sourceAddress: { address: "127.0.0.6", portValue: 0 },
  extraSourceAddresses: [{ address: { address: "::6", portValue: 0 } }],
};
