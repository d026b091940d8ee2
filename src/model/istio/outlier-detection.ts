import type { DestinationRuleSpecTrafficPolicyOutlierDetection } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import type { OutlierDetection } from "../ir/traffic.ts";
import { lowerDuration, lowerNumber, type Site } from "./site.ts";

type Spec = DestinationRuleSpecTrafficPolicyOutlierDetection;

const COUNT = [0, 2 ** 32 - 1] as const;
const PERCENT = [0, 100] as const;

export function lowerOutlierDetection(spec: Spec, path: string, site: Site): OutlierDetection {
  const count = (value: number | undefined, field: string, range = COUNT): number | undefined =>
    lowerNumber(value, range, `${path}.${field}`, site);
  const percent = (value: number | undefined, field: string): number | undefined =>
    lowerNumber(value, PERCENT, `${path}.${field}`, site);
  return defined({
    consecutive5xx: count(
      spec.consecutive5xxErrors ?? spec.consecutiveErrors,
      "consecutive5xxErrors",
    ),
    consecutiveGatewayErrors: count(spec.consecutiveGatewayErrors, "consecutiveGatewayErrors"),
    consecutiveLocalOriginFailures: count(
      spec.consecutiveLocalOriginFailures,
      "consecutiveLocalOriginFailures",
    ),
    splitLocalOrigin: spec.splitExternalLocalOriginErrors,
    errorCodes: spec.outlierDetectionHttpErrorCodes,
    intervalMs: lowerDuration(spec.interval, `${path}.interval`, site),
    baseEjectionMs: lowerDuration(spec.baseEjectionTime, `${path}.baseEjectionTime`, site),
    maxEjectionPercent: percent(spec.maxEjectionPercent, "maxEjectionPercent"),
    minHealthPercent: percent(spec.minHealthPercent, "minHealthPercent"),
  });
}
