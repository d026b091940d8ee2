/** Traffic from inside a pod of the sample `client`, through its sidecar, while something else happens. */
import type { Load, LoadReport } from "../../images/bookinfo/load.ts";
import type { Cluster } from "./cluster.ts";
import { waitFor } from "./wait.ts";

export interface PodLoad {
  /** What each few requests came to, oldest first. */
  readonly reports: readonly LoadReport[];
  /** Sends no more and returns all that was seen. */
  stop(): Promise<readonly LoadReport[]>;
}

/** Returns when the first answers are there. */
export async function startPodLoad(
  { kubectl }: Cluster,
  namespace: string,
  load: Load,
): Promise<PodLoad> {
  const reports: LoadReport[] = [];
  const target = { namespace, workload: "deploy/client", container: "client" };
  const command = ["node", "main.ts", "load", JSON.stringify(load)];
  const running = kubectl.follow(target, command, (line) => {
    reports.push(JSON.parse(line) as LoadReport);
  });
  let ending: Promise<void> | undefined;
  await waitFor(
    { description: `answers of ${load.url} to the client in ${namespace}`, deadlineMs: 30_000 },
    () => reports.length > 0,
  );
  return {
    reports,
    async stop() {
      ending ??= running.end();
      await ending;
      return reports;
    },
  };
}
