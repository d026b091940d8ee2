import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type { WorkloadEntry as EntryObject } from "../../api/kinds.ts";
import { objectName } from "../../api/object.ts";
import { type Origin, originOf } from "../origin.ts";
import { lowerPlace, type Place } from "./place.ts";

export interface WorkloadEntry extends Origin {
  readonly place: Place;
}

/** Set by whoever looks after the workload; as long as nobody does, it is well. */
const HEALTHY = "Healthy";

/**
 * https://istio.io/latest/docs/reference/config/networking/workload-entry/; one that is said to be
 * unhealthy is no endpoint of anything.
 */
export function lowerWorkloadEntry(
  object: EntryObject,
  clusterDomain: string,
): Lowered<WorkloadEntry | undefined> {
  const report = new Report(objectName(object));
  const origin = originOf(object);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const place = lowerPlace(object.spec ?? {}, "spec", site, object.metadata.labels);
  const health = object.status?.conditions?.find(({ type }) => type === HEALTHY);
  const isWell = health?.status !== "False";
  return {
    value: place !== undefined && isWell ? { ...origin, place } : undefined,
    diagnostics: report.diagnostics,
  };
}
