import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { removeCgroups } from "./cgroups.ts";
import { withCluster } from "./exclusive.ts";
import { type Cluster, layout } from "./layout.ts";
import { withLock } from "./lock.ts";
import { removeHostInterface } from "./network.ts";
import { killNode } from "./node.ts";
import { requireRoot } from "./packages.ts";
import { claims, findClaim, release, runtimeRoot } from "./registry.ts";
import { say } from "./say.ts";

/** Ends everything of a cluster and removes what it made. Each step may find its work done. */
export async function removeTraces(cluster: Cluster): Promise<void> {
  await killNode(cluster);
  await removeHostInterface(cluster.hostInterface);
  await removeCgroups(cluster.cgroup);
  await rm(cluster.state, { recursive: true, force: true });
  await rm(cluster.runtime, { recursive: true, force: true });
}

/** Removes a cluster, whole or half made. */
export async function down(name: string): Promise<void> {
  requireRoot();
  await withCluster(name, async () => {
    const claim = await findClaim(name);
    if (claim === undefined) {
      say(`there is no cluster ${name}`);
      return;
    }
    await removeTraces(layout(claim));
    // Only now may another cluster take the slot.
    await release(claim.slot);
    say(`cluster ${name} is gone`);
  });
}

/** Removes the clusters of checkouts that were deleted before their clusters were. */
export async function reclaimOrphans(): Promise<void> {
  const orphaned = async () => (await claims()).filter(({ checkout }) => !existsSync(checkout));
  if ((await orphaned()).length === 0) return;
  await withLock(join(runtimeRoot, "orphans.lock"), async () => {
    for (const orphan of await orphaned()) {
      say(`removing cluster ${orphan.name} of ${orphan.checkout}, which is gone`);
      await removeTraces(layout(orphan));
      await release(orphan.slot);
    }
  });
}
