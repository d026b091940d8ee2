import type { DestinationRuleSpecTrafficPolicy } from "../../api/gen/destination-rule.ts";
import { defined, filled } from "../../util/defined.ts";
import type { MutualTls, PortPolicy, TlsOrigin, TrafficPolicy } from "../ir/traffic.ts";
import { lowerConnectionPool } from "./connection-pool.ts";
import { lowerBalancing } from "./load-balancer.ts";
import { lowerOutlierDetection } from "./outlier-detection.ts";
import { isLine, lowerDuration, lowerPercent, lowerPort, type Site } from "./site.ts";

type Spec = Omit<DestinationRuleSpecTrafficPolicy, "portLevelSettings">;

export function lowerTrafficPolicy(
  spec: DestinationRuleSpecTrafficPolicy,
  path: string,
  site: Site,
): TrafficPolicy {
  const ports = (spec.portLevelSettings ?? []).flatMap(({ port, ...settings }, i) =>
    port?.number === undefined
      ? []
      : [[port.number, portPolicy(settings, `${path}.portLevelSettings[${i}]`, site)] as const],
  );
  return {
    ...portPolicy(spec, path, site),
    ...ofHostOnly(spec, path, site),
    ...(ports.length > 0 && { ports: Object.fromEntries(ports) }),
  };
}

function portPolicy(spec: Spec, path: string, site: Site): PortPolicy {
  const { loadBalancer, connectionPool, outlierDetection, tls } = spec;
  // A subset may have the outlier detection of its host.
  const isWhole = !path.startsWith("spec.subsets");
  if (isWhole && !outlierDetection && failsOver(loadBalancer?.localityLbSetting ?? {}))
    site.report.add(
      "MESH0110",
      `${path}.loadBalancer.localityLbSetting`,
      "failover waits for endpoints to fail, and nothing tells that they do: add outlierDetection",
    );
  return defined({
    balancing: loadBalancer && lowerBalancing(loadBalancer, `${path}.loadBalancer`, site),
    connections:
      connectionPool && lowerConnectionPool(connectionPool, `${path}.connectionPool`, site),
    outlier:
      outlierDetection && lowerOutlierDetection(outlierDetection, `${path}.outlierDetection`, site),
    tls: tls && lowerTls(tls, `${path}.tls.mode`, site),
  });
}

type LocalitySpec = NonNullable<NonNullable<Spec["loadBalancer"]>["localityLbSetting"]>;

const failsOver = ({ enabled, failover, failoverPriority }: LocalitySpec): boolean =>
  enabled !== false && (filled(failover) ?? filled(failoverPriority)) !== undefined;

/** What cannot be said of a single port. */
function ofHostOnly(
  { retryBudget: budget, proxyProtocol, tunnel }: Spec,
  path: string,
  site: Site,
): TrafficPolicy {
  const version: TrafficPolicy["proxyProtocol"] = proxyProtocol?.version === "V2" ? 2 : 1;
  return defined({
    proxyProtocol: proxyProtocol && version,
    tunnel: tunnel && lowerTunnel(tunnel, `${path}.tunnel`, site),
    retryBudget:
      budget &&
      defined({
        percent: lowerPercent(budget.percent, `${path}.retryBudget.percent`, site),
        minConcurrency: budget.minRetryConcurrency,
        intervalMs: lowerDuration(
          budget.budgetInterval,
          `${path}.retryBudget.budgetInterval`,
          site,
        ),
      }),
  });
}

function lowerTunnel(
  { protocol, targetHost, targetPort }: NonNullable<Spec["tunnel"]>,
  path: string,
  site: Site,
): TrafficPolicy["tunnel"] {
  const port = lowerPort(targetPort, `${path}.targetPort`, site);
  if (port === undefined || !isLine(targetHost, `${path}.targetHost`, site)) return undefined;
  const host = targetHost.includes(":") ? `[${targetHost}]` : targetHost;
  return { method: protocol === "POST" ? "POST" : "CONNECT", target: `${host}:${port}` };
}

type TlsSpec = NonNullable<Spec["tls"]>;

/** Unset is DISABLE, the first value of the API's enumeration; what is not known must not mean plaintext. */
function lowerTls(spec: TlsSpec, path: string, { report }: Site): PortPolicy["tls"] {
  const { mode = "DISABLE" } = spec;
  if (mode === "DISABLE") return "disable";
  if (mode === "ISTIO_MUTUAL") return mutualTls(spec);
  if (mode === "SIMPLE" || mode === "MUTUAL") return tlsOrigin(spec);
  report.add(
    "MESH0117",
    path,
    `"${String(mode)}" is no mode that is known here, so the default holds: use one of DISABLE, SIMPLE, MUTUAL, ISTIO_MUTUAL`,
  );
  return undefined;
}

function mutualTls({ sni, subjectAltNames = [] }: TlsSpec): "mutual" | MutualTls {
  if (!sni && subjectAltNames.length === 0) return "mutual";
  return {
    mesh: true,
    ...defined({
      sni: sni || undefined,
      subjectAltNames: subjectAltNames.length > 0 ? subjectAltNames : undefined,
    }),
  };
}

function tlsOrigin(spec: TlsSpec): TlsOrigin {
  const { mode, clientCertificate: chain, privateKey: key } = spec;
  const caFile = filled(spec.caCertificates);
  return {
    subjectAltNames: spec.subjectAltNames ?? [],
    ...defined({
      certificate: mode === "MUTUAL" && chain && key ? { chain, key } : undefined,
      // The word stands for what the proxy's image brings, as no file at all does.
      caFile: caFile === "system" ? undefined : caFile,
      crlFile: filled(spec.caCrl),
      credential: filled(spec.credentialName),
      mutual: mode === "MUTUAL" ? true : undefined,
      sni: filled(spec.sni),
      skipVerify: spec.insecureSkipVerify,
    }),
  };
}
