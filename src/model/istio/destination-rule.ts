import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type {
  DestinationRuleSpec,
  DestinationRuleSpecSubsets,
} from "../../api/gen/destination-rule.ts";
import { type KubeObject, objectName } from "../../api/object.ts";
import { defined } from "../../util/defined.ts";
import type { DestinationPolicy, Subset } from "../ir/traffic.ts";
import { type Origin, originOf } from "../origin.ts";
import { type OriginCredential, originCredentials } from "./origin-credentials.ts";
import { lowerHost, type Site } from "./site.ts";
import { lowerTrafficPolicy } from "./traffic-policy.ts";

export interface DestinationRule extends Origin {
  readonly policy: DestinationPolicy;
  /** Only for clients of its own namespace that carry all these labels. */
  readonly clients?: Readonly<Record<string, string>>;
  /** Secrets of gateways that connect to the host. */
  readonly credentials: readonly OriginCredential[];
}

/**
 * https://istio.io/latest/docs/reference/config/networking/destination-rule/
 * `undefined`: it has no host that could be looked up.
 */
export function lowerDestinationRule(
  object: KubeObject<DestinationRuleSpec>,
  clusterDomain: string,
): Lowered<DestinationRule | undefined> {
  const report = new Report(objectName(object));
  const origin = originOf(object, object.spec?.exportTo);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const host = lowerHost(object.spec?.host, "spec.host", site);
  if (host === undefined) return { value: undefined, diagnostics: report.diagnostics };
  const { trafficPolicy, subsets, workloadSelector } = object.spec ?? {};
  const value: DestinationRule = {
    ...origin,
    policy: {
      host,
      source: objectName(object),
      ...defined({
        policy: trafficPolicy && lowerTrafficPolicy(trafficPolicy, "spec.trafficPolicy", site),
      }),
      subsets: lowerSubsets(subsets ?? [], site),
    },
    ...defined({ clients: workloadSelector && (workloadSelector.matchLabels ?? {}) }),
    credentials: originCredentials(object.spec),
  };
  return { value, diagnostics: report.diagnostics };
}

/** A DNS label, as Istio wants it: clusters are named after it, and parts of their names end at a bar. */
const SUBSET_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Of two subsets with one name the first counts, as Istio merges. */
function lowerSubsets(
  subsets: readonly DestinationRuleSpecSubsets[],
  site: Site,
): readonly Subset[] {
  const byName = new Map<string, Subset>();
  for (const [i, { name, labels = {}, trafficPolicy }] of subsets.entries()) {
    const path = `spec.subsets[${i}]`;
    if (!SUBSET_NAME.test(name)) {
      site.report.add(
        "MESH0122",
        `${path}.name`,
        `"${name}" is no name of a subset, so this one is ignored: use lower-case letters, digits and hyphens, at most 63`,
      );
      continue;
    }
    if (byName.has(name)) {
      site.report.add(
        "MESH0112",
        `${path}.name`,
        `subset "${name}" is defined twice; this one is ignored: rename it or merge its labels into the first`,
      );
      continue;
    }
    const policy =
      trafficPolicy && lowerTrafficPolicy(trafficPolicy, `${path}.trafficPolicy`, site);
    byName.set(name, { name, labels, ...defined({ policy }) });
  }
  return [...byName.values()];
}
