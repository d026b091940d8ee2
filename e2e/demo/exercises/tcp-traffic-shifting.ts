/** TCP traffic shifting: weights share out connections where there are no requests to be seen. */
import assert from "node:assert/strict";
import { applyRoutes } from "../../harness/routes.ts";
import { CLIENT, deploy, TCP_ECHO, tcpEcho } from "../../harness/samples.ts";
import { agrees, tally, tolerance } from "../../harness/statistics.ts";
import { waitFor } from "../../harness/wait.ts";
import { listed, send } from "../answers.ts";
import type { Exercise, InnerLab } from "../exercise.ts";

const CONNECTIONS = 500;
/** Few enough to be quick, and enough to tell the shares of the exercise from each other. */
const PROBE = 100;

/** Which version of tcp-echo took each of so many connections: `one` or `two`. */
async function countVersions(lab: InnerLab, count: number): Promise<ReadonlyMap<string, number>> {
  const url = "tcp://tcp-echo:9000";
  const records = await send(lab, { url, count, concurrency: 8 });
  const answers = records.map(({ body, error }) => error ?? body.replace(/ hello$/, ""));
  return new Map([...tally(answers)].toSorted(([a], [b]) => a.localeCompare(b)));
}

/** All connections go to the two versions, in the shares that the manifest says. */
async function shift(lab: InnerLab, manifest: string, two: number): Promise<void> {
  await applyRoutes(lab.cluster, tcpEcho(manifest), lab.namespace);
  await waitFor(
    { description: `share of ${two} for v2 after ${manifest}.yaml`, deadlineMs: 15_000 },
    async () => agrees((await countVersions(lab, PROBE)).get("two") ?? 0, PROBE, two),
  );
  // Counted afresh: what was waited for is no measurement.
  const counts = await countVersions(lab, CONNECTIONS);
  const margin = tolerance(CONNECTIONS, two).toFixed(0);
  lab.say(`${manifest}.yaml: ${listed(counts)} (wanted ${CONNECTIONS * two} ± ${margin} × two)`);
  const observed = counts.get("two") ?? 0;
  assert.equal((counts.get("one") ?? 0) + observed, CONNECTIONS, listed(counts));
  assert.ok(agrees(observed, CONNECTIONS, two), `${observed} of ${CONNECTIONS} went to v2`);
}

export const tcpTrafficShifting = {
  title: "TCP traffic shifting",
  page: "docs/tcp-traffic-shifting.md",

  async run(lab: InnerLab) {
    await deploy(lab.cluster, lab.namespace, [CLIENT, TCP_ECHO]);
    await lab.cluster.kubectl.delete(tcpEcho("virtual-service-all-v1"), lab.namespace);
    await lab.cluster.kubectl.apply(tcpEcho("destination-rule"), lab.namespace);
    lab.say(`without routes: ${listed(await countVersions(lab, PROBE))}`);
    await shift(lab, "virtual-service-all-v1", 0);
    await shift(lab, "virtual-service-80-20", 0.2);
  },
} satisfies Exercise;
