import type { DestinationRuleSpecTrafficPolicyLoadBalancer } from "../../api/gen/destination-rule.ts";
import { defined, filled } from "../../util/defined.ts";
import type { LocalityPolicy } from "../ir/traffic.ts";
import type { Site } from "./site.ts";

type Spec = DestinationRuleSpecTrafficPolicyLoadBalancer;
type LocalitySpec = NonNullable<Spec["localityLbSetting"]>;
type Distribute = NonNullable<LocalityPolicy["distribute"]>[number];

/** Of zone-aware routing and locality settings the former counts, as Istio has it. */
export function lowerLocality(
  { localityLbSetting, zoneAwareLbSetting: zoneAware }: Spec,
  path: string,
  site: Site,
): LocalityPolicy | undefined {
  if (zoneAware?.enabled !== true)
    return (
      localityLbSetting && localityPolicy(localityLbSetting, `${path}.localityLbSetting`, site)
    );
  const at = `${path}.zoneAwareLbSetting`;
  site.report.add(
    "MESH0110",
    `${at}.enabled`,
    "a proxy does not know its own zone, so it cannot weigh zones by itself; failover and failoverPriority hold: add outlierDetection and the nearest zone is preferred, or set trafficDistribution on the Service",
  );
  return localityPolicy({ ...zoneAware, enabled: true }, at, site);
}

export function localityPolicy(
  { enabled = true, distribute, failover, failoverPriority }: LocalitySpec,
  path: string,
  site: Site,
): LocalityPolicy {
  return {
    enabled,
    ...defined({
      distribute: filled(distribute)?.flatMap((one, i) => {
        const lowered = lowerDistribute(one, `${path}.distribute[${i}]`, site);
        return lowered === undefined ? [] : [lowered];
      }),
      failover: filled(failover)?.flatMap(({ from, to }) =>
        from === undefined || to === undefined ? [] : [{ from, to }],
      ),
      failoverPriority: filled(failoverPriority),
    }),
  };
}

const ALL_PERCENT = 100;

function lowerDistribute(
  { from, to = {} }: NonNullable<LocalitySpec["distribute"]>[number],
  path: string,
  { report }: Site,
): Distribute | undefined {
  const shares = Object.values(to);
  const sum = shares.reduce((all, share) => all + share, 0);
  const isValid =
    sum === ALL_PERCENT && shares.every((share) => Number.isInteger(share) && share >= 0);
  if (from !== undefined && from !== "" && isValid) return { from, to };
  report.add(
    "MESH0109",
    path,
    "this is ignored: it needs a locality in `from`, and in `to` whole percentages that add up to 100",
  );
  return undefined;
}
