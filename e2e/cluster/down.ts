import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { removeCgroups } from "./cgroups.ts";
import { type Cluster, layout } from "./layout.ts";
import { removeHostInterface } from "./network.ts";
import { killNode } from "./node.ts";
import { requireRoot } from "./packages.ts";
import { checkout, findClaim, release } from "./registry.ts";
import { say } from "./say.ts";
import { withCluster } from "./up.ts";

/** Ends everything of a cluster and removes what it left. Each step may find its work done. */
export async function tearDown(cluster: Cluster): Promise<void> {
  await killNode(cluster);
  await removeHostInterface(cluster.hostInterface);
  await removeCgroups(cluster.cgroup);
  await rm(cluster.state, { recursive: true, force: true });
  await rm(cluster.runtime, { recursive: true, force: true });
  await release(cluster.slot);
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
    await tearDown(layout(claim));
    say(`cluster ${name} is gone`);
  });
}

/** The clusters this checkout has state of, up or not. */
export function knownClusters(): string[] {
  return readdirSync(`${checkout}/.state`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
