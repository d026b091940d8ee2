/** Traffic shifting: weights move the readers from one version of reviews to another. */
import assert from "node:assert/strict";
import { applyRoutes } from "../../harness/routes.ts";
import { networking } from "../../harness/samples.ts";
import { agrees, tolerance } from "../../harness/statistics.ts";
import { waitFor } from "../../harness/wait.ts";
import type { Exercise, Lab } from "../exercise.ts";
import { countVersions, editReviews, prepareBookinfo, printed } from "../reviews.ts";

const REQUESTS = 1_000;
/** Few enough to be quick, and enough to tell the shares of the exercise from each other. */
const PROBE = 200;

/** All go to v1 and v3, in the shares that the manifest says. */
async function shift(lab: Lab, manifest: string, v3: number): Promise<void> {
  await applyRoutes(lab.cluster, networking(manifest), lab.namespace);
  await waitFor(
    { description: `share of ${v3} for v3 after ${manifest}.yaml`, deadlineMs: 15_000 },
    async () => agrees((await countVersions(lab, undefined, PROBE)).get("v3") ?? 0, PROBE, v3),
  );
  // Counted afresh: what was waited for is no measurement.
  const counts = await countVersions(lab, undefined, REQUESTS);
  const margin = tolerance(REQUESTS, v3).toFixed(0);
  lab.say(`${manifest}.yaml: ${printed(counts)} (wanted ${REQUESTS * v3} ± ${margin} × v3)`);
  const observed = counts.get("v3") ?? 0;
  assert.equal((counts.get("v1") ?? 0) + observed, REQUESTS, printed(counts));
  assert.ok(agrees(observed, REQUESTS, v3), `${observed} of ${REQUESTS} answers by v3`);
}

export const trafficShifting: Exercise = {
  title: "Traffic shifting",
  page: "docs/traffic-shifting.md",

  async run(lab) {
    await prepareBookinfo(lab);
    await editReviews(lab, {
      manifest: "virtual-service-all-v1",
      user: undefined,
      version: "v1",
    });
    await shift(lab, "virtual-service-reviews-90-10", 0.1);
    await shift(lab, "virtual-service-reviews-50-50", 0.5);
    await editReviews(lab, {
      manifest: "virtual-service-reviews-0-100",
      user: undefined,
      version: "v3",
    });
    await shift(lab, "virtual-service-reviews-0-100", 1);
  },
};
