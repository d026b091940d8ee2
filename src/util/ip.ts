/** IP addresses and subnets as users write them. */
const OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
const IPV6 = /^[\da-f:.]*:[\da-f:.]*$/i;

export function isIp(text: string): boolean {
  return IPV4.test(text) || isIpv6(text);
}

export function isIpv6(text: string): boolean {
  return IPV6.test(text) && URL.canParse(`http://[${text}]/`);
}

/** 0.0.0.0, or `::` however it is written: no address of anybody's. */
export function isUnspecified(text: string): boolean {
  return text === "0.0.0.0" || (isIpv6(text) && new URL(`http://[${text}]/`).hostname === "[::]");
}

/** `address/length`; an address alone is none. */
export function isSubnet(text: string): boolean {
  const [address = "", length = "", ...more] = text.split("/");
  if (more.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return isIp(address) && Number(length) <= (isIpv6(address) ? 128 : 32);
}
