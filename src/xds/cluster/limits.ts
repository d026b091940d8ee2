/** Bounds on what a proxy asks of a destination. */
import type { ConnectionPool, OutlierDetection, TrafficPolicy } from "../../model/ir/traffic.ts";
import type { CircuitBreakers_Thresholds } from "../../proto/gen/envoy/config/cluster/v3/circuit_breaker.ts";
import type { Cluster } from "../../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { duration } from "../../util/duration.ts";

/** Envoy's own limits are low, and nobody asked for them. */
const UNBOUNDED = 4_294_967_295;
const DEFAULT_BUDGET = { percent: 20, minConcurrency: 3 };

export function circuitBreakers({
  connections = {},
  retryBudget,
}: Pick<TrafficPolicy, "connections" | "retryBudget">): Cluster {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = connections;
  return {
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: maxConnections ?? UNBOUNDED,
          maxPendingRequests: maxPendingRequests ?? UNBOUNDED,
          maxRequests: maxRequests ?? UNBOUNDED,
          maxRetries: maxRetries ?? UNBOUNDED,
          trackRemaining: true,
          ...(retryBudget && budget(retryBudget)),
        },
      ],
    },
  };
}

function budget({
  percent = DEFAULT_BUDGET.percent,
  minConcurrency = DEFAULT_BUDGET.minConcurrency,
  intervalMs,
}: NonNullable<TrafficPolicy["retryBudget"]>): CircuitBreakers_Thresholds {
  return {
    retryBudget: {
      budgetPercent: { value: percent },
      minRetryConcurrency: minConcurrency,
      ...(intervalMs !== undefined && { budgetInterval: duration(intervalMs) }),
    },
  };
}

export function keepalive({ keepalive: settings }: ConnectionPool): Cluster {
  if (settings === undefined) return {};
  const { probes, timeMs, intervalMs } = settings;
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes !== undefined && { keepaliveProbes: probes }),
        ...(timeMs !== undefined && { keepaliveTime: wholeSeconds(timeMs) }),
        ...(intervalMs !== undefined && { keepaliveInterval: wholeSeconds(intervalMs) }),
      },
    },
  };
}

/** Linux takes more for a fault, and opens no connection. */
const MAX_SECONDS = 32_767;

const wholeSeconds = (ms: number): number =>
  Math.min(MAX_SECONDS, Math.max(1, Math.round(ms / 1000)));

/** Only what is asked for ejects: not that an endpoint succeeds less often than others. */
export function outlierDetection(outlier: OutlierDetection | undefined): Cluster {
  if (outlier === undefined) return {};
  const { intervalMs, baseEjectionMs, maxEjectionPercent, splitLocalOrigin } = outlier;
  return {
    outlierDetection: {
      ...consecutive(outlier),
      ...(intervalMs !== undefined && { interval: duration(intervalMs) }),
      ...(baseEjectionMs !== undefined && { baseEjectionTime: duration(baseEjectionMs) }),
      ...(maxEjectionPercent !== undefined && { maxEjectionPercent }),
      ...(splitLocalOrigin && { splitExternalLocalOriginErrors: true }),
      enforcingSuccessRate: 0,
    },
  };
}

/** Zero means "not for these", which Envoy says by enforcing it for none of the cases. */
function consecutive({
  consecutive5xx,
  consecutiveGatewayErrors,
  consecutiveLocalOriginFailures,
}: OutlierDetection): NonNullable<Cluster["outlierDetection"]> {
  return {
    ...(consecutive5xx !== undefined && {
      ...(consecutive5xx > 0 && { consecutive5xx }),
      enforcingConsecutive5xx: enforced(consecutive5xx),
    }),
    ...(consecutiveGatewayErrors !== undefined && {
      ...(consecutiveGatewayErrors > 0 && {
        consecutiveGatewayFailure: consecutiveGatewayErrors,
      }),
      enforcingConsecutiveGatewayFailure: enforced(consecutiveGatewayErrors),
    }),
    ...(consecutiveLocalOriginFailures !== undefined && {
      ...(consecutiveLocalOriginFailures > 0 && {
        consecutiveLocalOriginFailure: consecutiveLocalOriginFailures,
      }),
      enforcingConsecutiveLocalOriginFailure: enforced(consecutiveLocalOriginFailures),
    }),
  };
}

const enforced = (errors: number): number => (errors > 0 ? 100 : 0);
