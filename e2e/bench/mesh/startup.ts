/** How soon a control plane serves after its container started, by its own log. */
import { CONTROL_PLANE, CONTROL_PLANE_NAMESPACE } from "../../../src/api/names.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait.ts";
import { onePod, rolledOut } from "../../harness/workloads.ts";
import { median, seconds } from "../report.ts";

const RESTARTS = 5;

/** Seconds from the start of the process to its first readiness, from its metrics. */
async function servingAfter({ api }: Cluster, pod: string): Promise<number> {
  const path = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/pods/${pod}:15014/proxy/metrics`;
  return waitFor(
    { description: `metric meshwright_ready_after_seconds of ${pod}`, deadlineMs: 30_000 },
    async () => {
      const text = String(await api.get<unknown>(path));
      const [, value] = /^meshwright_ready_after_seconds(?:\{[^}]*\})? (\S+)$/m.exec(text) ?? [];
      return value === undefined ? undefined : Number(value);
    },
  );
}

export async function startup(cluster: Cluster): Promise<string> {
  const values: number[] = [];
  const label = `app=${CONTROL_PLANE}`;
  await cluster.kubectl.run(["-n", CONTROL_PLANE_NAMESPACE, "get", "pods", "-l", label]);
  for (let i = 0; i < RESTARTS; i += 1) {
    const before = await onePod(cluster, CONTROL_PLANE_NAMESPACE, label);
    const target = ["-n", CONTROL_PLANE_NAMESPACE, `pod/${before.metadata.name}`];
    await cluster.kubectl.run(["delete", "--wait=true", ...target]);
    await rolledOut(cluster, CONTROL_PLANE_NAMESPACE);
    const { metadata } = await onePod(cluster, CONTROL_PLANE_NAMESPACE, label);
    values.push(await servingAfter(cluster, metadata.name));
  }
  return `Control plane serving after the start of its process (${RESTARTS} starts, goal 3 s): median ${seconds(median(values))}, worst ${seconds(Math.max(...values))}`;
}
