/** How soon a control plane serves after its process started, by its own log. */
import { CONTROL_PLANE, CONTROL_PLANE_NAMESPACE } from "../../../src/api/names.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait.ts";
import { pods, rolledOut } from "../../harness/workloads.ts";
import { type Findings, type Goal, median, ms, verdict } from "../report.ts";

const ROUNDS = 3;
const GOAL_MS = 3_000;
const LABEL = `app=${CONTROL_PLANE}`;

/** The line that the control plane logs when it begins to serve. */
interface Serving {
  readonly startMs?: number;
}

async function servingAfter({ kubectl }: Cluster, pod: string): Promise<number> {
  return waitFor(
    { description: `line "serving mesh" in the log of ${pod}`, deadlineMs: 30_000 },
    async () => {
      const log = await kubectl.run(["logs", "-n", CONTROL_PLANE_NAMESPACE, pod]);
      const line = log.split("\n").find((one) => one.includes("serving mesh"));
      return line === undefined ? undefined : (JSON.parse(line) as Serving).startMs;
    },
  );
}

/** All replicas start at once, which on a small machine is the worst case. */
export async function startup(cluster: Cluster): Promise<Findings> {
  const values: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const target = ["-n", CONTROL_PLANE_NAMESPACE, "-l", LABEL];
    await cluster.kubectl.run(["delete", "pod", "--wait=true", ...target]);
    await rolledOut(cluster, CONTROL_PLANE_NAMESPACE);
    const names = (await pods(cluster, CONTROL_PLANE_NAMESPACE, LABEL)).map((p) => p.metadata.name);
    for (const name of names) values.push(await servingAfter(cluster, name));
  }
  const goal: Goal = {
    what: `control plane serving after the start of its process, median of ${values.length}`,
    measured: median(values),
    most: GOAL_MS,
    show: ms,
  };
  return {
    text: `Control plane serving after the start of its process (${values.length} starts, both replicas at once): median ${ms(goal.measured)}, worst ${ms(Math.max(...values))}, ${verdict(goal)}`,
    goals: [goal],
  };
}
