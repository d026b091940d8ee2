import { isIp } from "../../util/ip.ts";

const UNIX = /^unix:\/\/\/[^\0\s]+$/;
const LOOPBACK = /^(127\.[\d.]+|\[::1\]):(\d{1,5})$/;
const MAX_PORT = 65_535;

/** `unix:///path`. */
export const isUnix = (text: string): boolean => UNIX.test(text);

/** A port of the pod itself, or a socket in its file system. */
export function isLocalEndpoint(text: string): boolean {
  const [, address = "", port] = LOOPBACK.exec(text) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= MAX_PORT;
  return isUnix(text) || (isPort && isIp(address.replace(/^\[|\]$/g, "")));
}
