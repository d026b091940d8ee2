/** Request timeouts: who waits for a slow callee decides how long. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { EnvoyAdmin } from "../../harness/envoy.ts";
import type { CallRecord } from "../../harness/in-pod.ts";
import { applyRoutes } from "../../harness/routes.ts";
import { CLIENT, deploy, networking } from "../../harness/samples.ts";
import { percentile } from "../../harness/statistics.ts";
import { waitFor } from "../../harness/wait.ts";
import {
  growth,
  listed,
  outcomeOf,
  outcomes,
  send,
  statistic,
  withClientEnvoy,
} from "../answers.ts";
import type { Exercise, Lab } from "../exercise.ts";
import { prepareBookinfo, reviewsFor } from "../reviews.ts";

const REVIEWS = "http://reviews:9080/reviews/0";
const DELAY_MS = 2_000;
const TIMEOUT_MS = 500;
/** Envoy counts whole milliseconds, on a clock of its own that it reads once per turn. */
const CLOCK_MS = 10;
const RETRIES = 2;
const REQUESTS = 10;
/**
 * Between two tries Envoy has nobody to count a timeout of. A machine that takes the CPU away from it for as
 * long as a try has left makes its counters fall short by that request, and one that stalls for longer makes
 * answers late: then other requests are looked at.
 */
const ROUNDS = 3;
const PROBES = 5;
/** What the mesh and a busy machine may add to half a second; far from the delay. */
const PROMPT_MS = 1_200;

const isLate = ({ ms }: CallRecord): boolean => ms >= DELAY_MS;
const isGood = (record: CallRecord): boolean => outcomeOf(record) === "200";

/** Applies routes, waits until the outcome of every request is the one they lead to, and gives those. */
async function applyUntil(
  lab: Lab,
  manifest: string,
  isNew: (record: CallRecord) => boolean,
): Promise<readonly CallRecord[]> {
  await applyRoutes(lab.cluster, networking(manifest), lab.namespace);
  return waitFor({ description: `effect of ${manifest}.yaml`, deadlineMs: 30_000 }, async () => {
    const records = await send(lab, { url: REVIEWS, count: PROBES, concurrency: PROBES });
    const old = records.find((record) => !isNew(record));
    if (old !== undefined) throw new Error(`still ${outcomeOf(old)} after ${old.ms} ms`);
    return records;
  });
}

/** What a stalled machine may spoil in a round. */
interface Seen {
  readonly outcomes: readonly (readonly [string, number])[];
  readonly isPrompt: boolean;
  /** By Envoy's counters. */
  readonly timeouts: number;
  readonly retries: number;
}

/** No request is answered before its time. */
async function timedOut(lab: Lab, envoy: EnvoyAdmin): Promise<Seen> {
  const cluster = `outbound|9080|v2|reviews.${lab.namespace}.svc.cluster.local`;
  const names = ["upstream_rq_timeout", "upstream_rq_retry", "upstream_rq_per_try_timeout"];
  const counters = names.map((name) => statistic(cluster, name));
  const { value: records, grown } = await growth(envoy, counters, () =>
    send(lab, { url: REVIEWS, count: REQUESTS }),
  );
  const times = records.map(({ ms }) => ms);
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
  const [timeouts = 0, retries = 0] = grown;
  lab.say(
    `${listed(outcomes(records))}, after ${fastest} to ${slowest} ms (median ${percentile(times, 0.5)} ms)`,
  );
  lab.say(`Envoy of the client counted ${timeouts} timeouts and ${retries} retries`);
  assert.ok(fastest >= TIMEOUT_MS - CLOCK_MS, `an answer came after ${fastest} ms`);
  return { outcomes: [...outcomes(records)], isPrompt: slowest < PROMPT_MS, timeouts, retries };
}

async function assertTimeouts(lab: Lab, envoy: EnvoyAdmin): Promise<void> {
  const wanted: Seen = {
    outcomes: [["504 UT", REQUESTS]],
    isPrompt: true,
    timeouts: REQUESTS,
    retries: REQUESTS * RETRIES,
  };
  for (let round = 1; ; round += 1) {
    const seen = await timedOut(lab, envoy);
    if (isDeepStrictEqual(seen, wanted)) return;
    if (round === ROUNDS) assert.deepEqual(seen, wanted);
  }
}

/** What a reader of the page sees of it. */
async function assertPage({ ingress, say }: Lab): Promise<void> {
  const { status, ms } = await ingress.send(reviewsFor(undefined));
  const page = (await ingress.get("/productpage")).body;
  say(`through the ingress: ${status} after ${ms.toFixed(0)} ms, and the page says so`);
  assert.equal(status, 504);
  assert.ok(ms >= TIMEOUT_MS - CLOCK_MS && ms < DELAY_MS, `${ms} ms`);
  assert.match(page, /Reviews are currently unavailable \(504\)/);
}

export const requestTimeouts: Exercise = {
  title: "Request timeouts",
  page: "docs/request-timeouts.md",

  async run(lab) {
    await deploy(lab.cluster, lab.namespace, [CLIENT]);
    await prepareBookinfo(lab);
    await applyUntil(lab, "virtual-service-all-v1", isGood);
    await applyUntil(lab, "virtual-service-reviews-v2", isGood);
    const slow = await applyUntil(lab, "virtual-service-ratings-delay", isLate);
    const fastest = Math.min(...slow.map(({ ms }) => ms));
    lab.say(
      `ratings are ${DELAY_MS} ms late: ${listed(outcomes(slow))} after ${fastest} ms or more`,
    );
    await applyUntil(lab, "virtual-service-reviews-timeout", (one) => outcomeOf(one) === "504 UT");
    await withClientEnvoy(lab, (envoy) => assertTimeouts(lab, envoy));
    await assertPage(lab);
    await applyUntil(lab, "virtual-service-all-v1", isGood);
  },
};
