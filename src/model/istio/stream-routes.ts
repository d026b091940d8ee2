import type { VirtualServiceSpec } from "../../api/gen/virtual-service.ts";
import { defined, filled } from "../../util/defined.ts";
import { isIp, isIpv6 } from "../../util/ip.ts";
import type { StreamMatch, StreamRule } from "../ir/route.ts";
import { lowerDestinations } from "./destination.ts";
import { gatewayKey } from "./gateway-key.ts";
import { lowerPort, type Site } from "./site.ts";

type TcpSpec = NonNullable<VirtualServiceSpec["tcp"]>[number];
type TlsSpec = NonNullable<VirtualServiceSpec["tls"]>[number];
type MatchSpec = NonNullable<TcpSpec["match"]>[number] & Partial<TlsSpec["match"][number]>;

/** Rules of `spec.tcp` or `spec.tls`; one whose matches can never hold is left out. */
export function lowerStreamRules(
  rules: readonly (TcpSpec | TlsSpec)[] | undefined,
  path: "spec.tcp" | "spec.tls",
  site: Site,
): readonly StreamRule[] {
  return (rules ?? []).flatMap(({ match, route }, i) => {
    const matches = lowerMatches(match, `${path}[${i}]`, site);
    if (matches.length === 0) return [];
    if (route === undefined || route.length === 0)
      site.report.add(
        "MESH0103",
        `${path}[${i}].route`,
        "the rule has no route, so its connections are closed: add one",
      );
    return [{ matches, destinations: lowerDestinations(route ?? [], `${path}[${i}].route`, site) }];
  });
}

function lowerMatches(
  matches: readonly MatchSpec[] | undefined,
  path: string,
  site: Site,
): readonly StreamMatch[] {
  if (matches === undefined || matches.length === 0) return [{}];
  return matches.flatMap((match, i) => lowerMatch(match, `${path}.match[${i}]`, site) ?? []);
}

function lowerMatch(match: MatchSpec, path: string, site: Site): StreamMatch | undefined {
  const port = lowerPort(match.port || undefined, `${path}.port`, site);
  const subnets = lowerSubnets(match, path, site);
  const sourceSubnet = filled(match.sourceSubnet);
  if (sourceSubnet !== undefined && !isSubnet(sourceSubnet, `${path}.sourceSubnet`, site))
    return undefined;
  if ((port === undefined && match.port) || subnets?.length === 0) return undefined;
  return defined({
    sniHosts: filled(match.sniHosts)?.map((host) => host.toLowerCase()),
    destinationSubnets: subnets,
    sourceSubnet,
    port,
    sourceLabels: match.sourceLabels,
    sourceNamespace: filled(match.sourceNamespace),
    gateways: filled(match.gateways)?.map((name) => gatewayKey(name, site.namespace)),
  });
}

const lowerSubnets = ({ destinationSubnets }: MatchSpec, path: string, site: Site) =>
  filled(destinationSubnets)?.filter((subnet, i) =>
    isSubnet(subnet, `${path}.destinationSubnets[${i}]`, site),
  );

function isSubnet(subnet: string, path: string, { report }: Site): boolean {
  const [address = "", length, ...rest] = subnet.split("/");
  const bits = isIpv6(address) ? 128 : 32;
  const isLength = length === undefined || (/^\d+$/.test(length) && Number(length) <= bits);
  if (isIp(address) && isLength && rest.length === 0) return true;
  report.add("MESH0117", path, `"${subnet}" is no subnet: write one like 10.0.0.0/8 or fd00::/8`);
  return false;
}
