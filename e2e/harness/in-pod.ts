/** Requests sent from inside a pod of the sample `client`. */
import type { Call, CallRecord } from "../../images/bookinfo/client.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { waitFor } from "./wait.ts";

export type { Call, CallRecord };

/** What `images/bookinfo/client.ts` saw, sent from the Deployment `client` of the namespace. */
export async function callFromClient(
  { kubectl }: Cluster,
  namespace: string,
  call: Call,
): Promise<readonly CallRecord[]> {
  const target = { namespace, workload: "deploy/client", container: "client" };
  const command = ["node", "main.ts", "call", JSON.stringify(call)];
  return JSON.parse(await kubectl.exec(target, command)) as CallRecord[];
}

/** One request; throws what it got if that is not a 200. */
export async function fetchFromClient(
  cluster: Cluster,
  namespace: string,
  call: Call,
): Promise<CallRecord> {
  const [record] = await callFromClient(cluster, namespace, call);
  if (record?.status === 200) return record;
  throw new Error(`${call.url} answered ${record?.status}: ${record?.error ?? record?.body}`);
}

/** Waits until a call succeeds: a new pod's address takes a moment to reach the caller's sidecar. */
export async function reachable(cluster: Cluster, namespace: string, call: Call): Promise<void> {
  await waitFor(
    {
      description: `answer of ${call.url} to the client in ${namespace}`,
      deadlineMs: 30_000,
      diagnose: () => diagnose(cluster, [namespace]),
    },
    () => fetchFromClient(cluster, namespace, call),
  );
}
