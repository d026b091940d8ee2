import type { DestinationRuleSpecTrafficPolicy } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import type { TlsOrigin, TrafficPolicy } from "../ir/traffic.ts";
import { lowerConnectionPool } from "./connection-pool.ts";
import { lowerLoadBalancer, lowerWarmup } from "./load-balancer.ts";
import { lowerOutlierDetection } from "./outlier-detection.ts";
import { lowerDuration, lowerPercent, type Site } from "./site.ts";

type Spec = Omit<DestinationRuleSpecTrafficPolicy, "portLevelSettings">;

export function lowerTrafficPolicy(
  spec: DestinationRuleSpecTrafficPolicy = {},
  path: string,
  site: Site,
): TrafficPolicy {
  const ports = (spec.portLevelSettings ?? []).flatMap(({ port, ...settings }, i) =>
    port?.number === undefined
      ? []
      : [[port.number, settingsOf(settings, `${path}.portLevelSettings[${i}]`, site)] as const],
  );
  return {
    ...settingsOf(spec, path, site),
    ...(ports.length > 0 && { ports: Object.fromEntries(ports) }),
  };
}

function settingsOf(spec: Spec, path: string, site: Site): TrafficPolicy {
  const { loadBalancer, connectionPool, outlierDetection, tls } = spec;
  return defined({
    loadBalancer: loadBalancer && lowerLoadBalancer(loadBalancer, `${path}.loadBalancer`, site),
    warmup: loadBalancer && lowerWarmup(loadBalancer, `${path}.loadBalancer`, site),
    connectTimeoutMs: lowerDuration(
      connectionPool?.tcp?.connectTimeout,
      `${path}.connectionPool.tcp.connectTimeout`,
      site,
    ),
    connections:
      connectionPool && lowerConnectionPool(connectionPool, `${path}.connectionPool`, site),
    outlier:
      outlierDetection && lowerOutlierDetection(outlierDetection, `${path}.outlierDetection`, site),
    tls: tls && meshTls(tls),
    tlsOrigin: tls && tlsOrigin(tls),
    ...ofHostOnly(spec, path, site),
  });
}

/** What cannot be said of a single port. */
function ofHostOnly(
  { retryBudget: budget, proxyProtocol, tunnel }: Spec,
  path: string,
  site: Site,
): TrafficPolicy {
  if (tunnel !== undefined)
    site.report.add("MESH0110", `${path}.tunnel`, "tunnel has no effect yet: leave it out");
  const version: TrafficPolicy["proxyProtocol"] = proxyProtocol?.version === "V2" ? 2 : 1;
  return defined({
    proxyProtocol: proxyProtocol && version,
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

type TlsSpec = NonNullable<Spec["tls"]>;

function meshTls({ mode }: TlsSpec): TrafficPolicy["tls"] {
  if (mode === "ISTIO_MUTUAL") return "mutual";
  // Unset is DISABLE, the first value of the API's enumeration.
  return mode === undefined || mode === "DISABLE" ? "disable" : undefined;
}

function tlsOrigin(spec: TlsSpec): TlsOrigin | undefined {
  const { mode, clientCertificate: chain, privateKey: key } = spec;
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return undefined;
  const isMutual = mode === "MUTUAL" && chain !== undefined && key !== undefined;
  return {
    subjectAltNames: spec.subjectAltNames ?? [],
    ...defined({
      certificate: isMutual ? { chain, key } : undefined,
      caFile: spec.caCertificates,
      credential: spec.credentialName,
      mutual: mode === "MUTUAL" ? true : undefined,
      sni: spec.sni,
      skipVerify: spec.insecureSkipVerify,
    }),
  };
}

/** A subset's policy over its host's: field by field, ports by number. */
export function overlay(base: TrafficPolicy, own: TrafficPolicy): TrafficPolicy {
  const ports = { ...base.ports, ...own.ports };
  return { ...base, ...own, ...(Object.keys(ports).length > 0 && { ports }) };
}
