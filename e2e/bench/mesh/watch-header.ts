import type { Follow, Seen } from "../../../images/bookinfo/follow.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait.ts";

const DEADLINE_MS = 30_000;

export interface HeaderWatch {
  /** When the pod first saw this value, on the clock of `performance.now()`. */
  until(value: string): Promise<number>;
  /** Returns when the pod is quiet again. */
  close(): Promise<void>;
}

/** Has a pod of the sample `client` look at one response header all the time. */
export async function watchHeader(
  { kubectl }: Cluster,
  { namespace, pod, ...follow }: Follow & { readonly namespace: string; readonly pod: string },
): Promise<HeaderWatch> {
  const arrivals = new Map<string, number>();
  const target = { namespace, workload: `pod/${pod}`, container: "client" };
  const command = ["node", "main.ts", "follow", JSON.stringify(follow)];
  const running = kubectl.follow(target, command, (line) => {
    const { value } = JSON.parse(line) as Seen;
    if (!arrivals.has(value)) arrivals.set(value, performance.now());
  });
  const until = (value: string): Promise<number> =>
    waitFor(
      {
        description: `answer with ${follow.header}: ${value} in pod ${namespace}/${pod}`,
        deadlineMs: DEADLINE_MS,
        intervalMs: 10,
      },
      () => arrivals.get(value),
    );
  await waitFor(
    { description: `first answer in pod ${namespace}/${pod}`, deadlineMs: DEADLINE_MS },
    () => arrivals.size > 0,
  );
  return { until, close: () => running.end() };
}
