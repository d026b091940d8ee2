/** Requests sent from inside a pod of the sample `client`. */
import type { Call, CallRecord } from "../../images/bookinfo/client.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { waitFor } from "./wait.ts";
import { livingPods, type Pod } from "./workloads.ts";

export type { Call, CallRecord };

/**
 * What `images/bookinfo/client.ts` saw, sent from the Deployment `client` of the namespace: from its youngest
 * pod, as kubectl would choose the oldest, also one that is about to go.
 */
export async function callFromClient(
  cluster: Cluster,
  namespace: string,
  call: Call,
): Promise<readonly CallRecord[]> {
  const living = await livingPods(cluster, namespace, "app=client");
  const [pod] = living.toSorted((a, b) => age(b).localeCompare(age(a)));
  if (pod === undefined) throw new Error(`no pod of the client lives in namespace ${namespace}`);
  const target = { namespace, workload: `pod/${pod.metadata.name}`, container: "client" };
  const command = ["node", "main.ts", "call", JSON.stringify(call)];
  return JSON.parse(await cluster.kubectl.exec(target, command)) as CallRecord[];
}

const age = ({ metadata }: Pod): string => metadata.creationTimestamp ?? "";

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
