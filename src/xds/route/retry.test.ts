import assert from "node:assert/strict";
import { test } from "node:test";
import type { Retry } from "../../model/ir/route.ts";
import type { RetryPolicy, Route } from "../../proto/gen/envoy/config/route/v3/route_components.ts";
import { retryPolicy, withSharedRetries } from "./retry.ts";

const DEFAULT_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

interface Case {
  readonly name: string;
  readonly retry?: Retry;
  readonly sticky?: boolean;
  /** Of the policy, as far as it matters. */
  readonly want: RetryPolicy | undefined;
}

const CASES: readonly Case[] = [
  {
    name: "the mesh's default, where a rule says nothing",
    want: { numRetries: 2, retryOn: DEFAULT_ON, retriableStatusCodes: [503] },
  },
  { name: "none, where a rule says so", retry: { attempts: 0, on: "" }, want: undefined },
  {
    name: "the default's conditions, where a rule only counts",
    retry: { attempts: 5, on: "" },
    want: { numRetries: 5, retryOn: DEFAULT_ON, retriableStatusCodes: [503] },
  },
  {
    name: "status codes among conditions",
    retry: { attempts: 1, on: "5xx, 404,409", perTryTimeoutMs: 250, backoffMs: 10 },
    want: {
      numRetries: 1,
      retryOn: "5xx,retriable-status-codes",
      retriableStatusCodes: [404, 409],
      perTryTimeout: "0.25s",
      retryBackOff: { baseInterval: "0.01s" },
    },
  },
];

for (const { name, retry, sticky = false, want } of CASES)
  test(`retries: ${name}`, () => {
    const got = retryPolicy(retry, sticky)?.retryPolicy;
    const { retryHostPredicate: _, hostSelectionRetryMaxAttempts: __, ...rest } = got ?? {};
    assert.deepEqual(got && rest, want);
  });

test("a retry goes to another endpoint, but not where requests stick to one", () => {
  const elsewhere = (sticky: boolean, ignorePreviousHosts?: boolean) =>
    retryPolicy(
      { attempts: 1, on: "5xx", ...(ignorePreviousHosts !== undefined && { ignorePreviousHosts }) },
      sticky,
    )?.retryPolicy.retryHostPredicate !== undefined;
  assert.deepEqual(
    [elsewhere(false), elsewhere(true), elsewhere(false, false)],
    [true, false, false],
  );
});

/** What Envoy retries by, for a route within a virtual host: the nearest policy, taken whole. */
const effective = (routes: readonly Route[]): readonly (RetryPolicy | undefined)[] => {
  const host = withSharedRetries(routes);
  return host.routes.map(({ route }) => route && (route.retryPolicy ?? host.retryPolicy ?? {}));
};

test("a virtual host says the default once, and each route keeps the policy that it had", () => {
  const forward = (retry?: Retry, sticky = false): Route => ({
    route: { cluster: "c", ...retryPolicy(retry, sticky) },
  });
  const routes: readonly Route[] = [
    forward(),
    forward({ attempts: 0, on: "" }),
    forward(undefined, true),
    { redirect: {} },
    forward({ attempts: 3, on: "5xx" }),
  ];
  const own = routes.map(({ route }) => route && (route.retryPolicy ?? {}));
  assert.deepEqual(effective(routes), own);
  assert.deepEqual(effective(routes.slice(1)), own.slice(1));
  assert.deepEqual(
    withSharedRetries(routes).routes.map(({ route }) => route?.retryPolicy !== undefined),
    [false, true, true, false, true],
  );
  assert.equal(withSharedRetries(routes.slice(1)).retryPolicy, undefined);
});
