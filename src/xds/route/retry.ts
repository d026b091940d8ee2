import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { Retry } from "../../model/ir/route.ts";
import type {
  RetryPolicy,
  Route,
  VirtualHost,
} from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { typed } from "../../proto/types.ts";
import { duration } from "../../util/duration.ts";

const RETRIABLE_STATUS_CODES = "retriable-status-codes";

/** What is retried unless a rule says otherwise: requests that no workload has begun to serve. */
const DEFAULT: Retry = {
  attempts: 2,
  on: `connect-failure,refused-stream,unavailable,cancelled,${RETRIABLE_STATUS_CODES},503`,
};
const HOST_SELECTION_ATTEMPTS = 5;
/** How soon an endpoint that failed counts against its priority: after every second attempt. */
const UPDATE_FREQUENCY = 2;

/** @param sticky whether requests are hashed to an endpoint, which a retry must not leave */
export function retryPolicy(
  retry: Retry | undefined,
  sticky: boolean,
  { traffic }: Pick<MeshSettings, "traffic"> = {},
): { retryPolicy: RetryPolicy } | undefined {
  const meant = retry ?? traffic?.retry ?? DEFAULT;
  if (meant.attempts <= 0) return undefined;
  const isDefault = retry === undefined && !sticky;
  return { retryPolicy: isDefault ? sharedPolicy(meant) : policy(meant, sticky) };
}

/**
 * Routes as they are within a virtual host that retries by the mesh's default, which most do: said
 * once it is a tenth of the bytes. Envoy takes a route's own policy whole, so one that says nothing
 * keeps the others from being retried.
 */
export function withSharedRetries(
  routes: readonly Route[],
): Pick<VirtualHost, "retryPolicy"> & { readonly routes: Route[] } {
  const shared = routes.flatMap(({ route }) => route?.retryPolicy ?? []).find(isShared);
  if (shared === undefined) return { routes: [...routes] };
  return { routes: routes.map((route) => underDefault(route, shared)), retryPolicy: shared };
}

function underDefault(within: Route, shared: RetryPolicy): Route {
  if (within.route === undefined) return within;
  const { retryPolicy: own = NO_RETRIES, ...route } = within.route;
  return { ...within, route: own === shared ? route : { ...route, retryPolicy: own } };
}

function policy(retry: Retry, sticky: boolean): RetryPolicy {
  const { attempts, on, perTryTimeoutMs, backoffMs, remoteLocalities } = retry;
  return {
    ...conditions(on || DEFAULT.on),
    numRetries: attempts,
    ...(perTryTimeoutMs !== undefined && { perTryTimeout: duration(perTryTimeoutMs) }),
    ...(backoffMs !== undefined && { retryBackOff: { baseInterval: duration(backoffMs) } }),
    ...(leavesHost(retry, sticky) && OTHER_HOSTS),
    ...(remoteLocalities && OTHER_LOCALITIES),
  };
}

const leavesHost = ({ ignorePreviousHosts = true }: Retry, sticky: boolean): boolean =>
  ignorePreviousHosts && !sticky;

/** Status codes among the conditions go into a field of their own. */
function conditions(on: string): RetryPolicy {
  const words = on.split(",").flatMap((word) => word.trim() || []);
  const codes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const names = words.filter((word) => !/^\d+$/.test(word));
  if (codes.length === 0) return { retryOn: names.join(",") };
  return {
    retryOn: [...new Set([...names, RETRIABLE_STATUS_CODES])].join(","),
    retriableStatusCodes: codes,
  };
}

const OTHER_HOSTS: RetryPolicy = {
  retryHostPredicate: [
    {
      // Envoy goes by the type; the name stands in every virtual host.
      name: "previous_hosts",
      typedConfig: typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
    },
  ],
  hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
};

const OTHER_LOCALITIES: RetryPolicy = {
  retryPriority: {
    name: "envoy.retry_priorities.previous_priorities",
    typedConfig: typed(
      "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
      { updateFrequency: UPDATE_FREQUENCY },
    ),
  },
};

/** One object for each default, by which routes that have it are known. */
const SHARED = new WeakMap<Retry, RetryPolicy>();
const SHARED_POLICIES = new WeakSet<RetryPolicy>();
const NO_RETRIES: RetryPolicy = {};

function sharedPolicy(retry: Retry): RetryPolicy {
  const known = SHARED.get(retry);
  if (known !== undefined) return known;
  const made = policy(retry, false);
  SHARED.set(retry, made);
  SHARED_POLICIES.add(made);
  return made;
}

const isShared = (one: RetryPolicy): boolean => SHARED_POLICIES.has(one);
