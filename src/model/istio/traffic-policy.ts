import type { DestinationRuleSpecTrafficPolicy } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import type { TrafficPolicy } from "../ir/traffic.ts";
import { lowerLoadBalancer } from "./load-balancer.ts";
import { lowerDuration, type Site } from "./site.ts";

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
  return defined({
    loadBalancer:
      spec.loadBalancer && lowerLoadBalancer(spec.loadBalancer, `${path}.loadBalancer`, site),
    connectTimeoutMs: lowerDuration(
      spec.connectionPool?.tcp?.connectTimeout,
      `${path}.connectionPool.tcp.connectTimeout`,
      site,
    ),
    tls: lowerTls(spec.tls),
  });
}

function lowerTls(spec: DestinationRuleSpecTrafficPolicy["tls"]): TrafficPolicy["tls"] {
  if (spec?.mode === "ISTIO_MUTUAL") return "mutual";
  return spec?.mode === "DISABLE" ? "disable" : undefined;
}

/** A subset's policy over its host's: field by field, ports by number. */
export function overlay(base: TrafficPolicy, own: TrafficPolicy): TrafficPolicy {
  const ports = { ...base.ports, ...own.ports };
  return { ...base, ...own, ...(Object.keys(ports).length > 0 && { ports }) };
}
