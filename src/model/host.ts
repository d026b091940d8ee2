/** A host as users write it: without dots it is a service of the object's own namespace. */
export function fullHost(host: string, namespace: string, clusterDomain: string): string {
  const name = host.toLowerCase();
  return name.includes(".") || name.includes("*")
    ? name
    : serviceHost(name, namespace, clusterDomain);
}

export function serviceHost(name: string, namespace: string, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

const LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
const HOST = new RegExp(`^(\\*|(\\*\\.)?${LABEL}(\\.${LABEL})*|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*)$`);

/** A DNS name, a wildcard `*.name`, `*`, or an address. */
export function isHost(host: string): boolean {
  return host.length <= 253 && HOST.test(host);
}

/**
 * The patterns that cover a host, most specific first: itself, then each wildcard up to `*`. Of a
 * wildcard, the wildcards it lies within.
 */
export function patternsFor(host: string): readonly string[] {
  if (host === "*") return ["*"];
  const labels = (host.startsWith("*.") ? host.slice(2) : host).split(".");
  const suffixes = labels.map((_, i) => `*.${labels.slice(i + 1).join(".")}`).slice(0, -1);
  return [host, ...suffixes, "*"];
}
