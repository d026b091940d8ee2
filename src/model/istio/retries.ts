import type { VirtualServiceSpecHttpRetries } from "../../api/gen/virtual-service.ts";
import { defined } from "../../util/defined.ts";
import type { Retry } from "../ir/route.ts";
import { lowerDuration, lowerNumber, type Site } from "./site.ts";

/** Envoy's own bound is 32 bits; more attempts than this would be an outage of their own. */
const ATTEMPTS = [0, 1000] as const;

export function lowerRetries(spec: VirtualServiceSpecHttpRetries, path: string, site: Site): Retry {
  return {
    attempts: lowerNumber(spec.attempts, ATTEMPTS, `${path}.attempts`, site) ?? 0,
    on: spec.retryOn ?? "",
    ...defined({
      perTryTimeoutMs: lowerDuration(spec.perTryTimeout, `${path}.perTryTimeout`, site),
      backoffMs: lowerDuration(spec.backoff, `${path}.backoff`, site),
      ignorePreviousHosts: spec.retryIgnorePreviousHosts,
      remoteLocalities: spec.retryRemoteLocalities,
    }),
  };
}
