/**
 * `make bench`: figures of a mesh on the local cluster. Each part prints a paragraph for
 * docs/performance.md, and the goals follow at the end; `node e2e/bench/mesh.ts latency memory` runs
 * only those parts.
 */
import { say } from "../cluster/say.ts";
import { bringUp, type Cluster, takeDown } from "../harness/cluster.ts";
import { installMesh } from "../harness/mesh.ts";
import { deleteNamespace } from "../harness/samples.ts";
import * as change from "./mesh/change.ts";
import * as latency from "./mesh/latency.ts";
import { workingSets } from "./mesh/memory.ts";
import { startup } from "./mesh/startup.ts";
import { type Findings, type Goal, goalTable } from "./report.ts";

interface Part {
  readonly name: string;
  readonly prepare?: (cluster: Cluster) => Promise<void>;
  readonly measure: (cluster: Cluster) => Promise<Findings>;
  readonly namespaces?: readonly string[];
}

const PARTS: readonly Part[] = [
  {
    name: "latency",
    prepare: latency.prepare,
    measure: latency.latency,
    namespaces: latency.NAMESPACES,
  },
  { name: "change", prepare: change.prepare, measure: change.change },
  // After `change`, whose twenty sidecars are what it counts.
  {
    name: "memory",
    prepare: change.prepare,
    measure: workingSets,
    namespaces: [change.NAMESPACE],
  },
  { name: "startup", measure: startup },
];

const NAME = process.env["NAME"] || "bench";
const wanted = process.argv.slice(2);
const start = performance.now();
const cluster = await bringUp(NAME);
await installMesh(cluster);
say(`cluster and mesh are up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
const goals: Goal[] = [];
try {
  for (const part of PARTS) {
    if (wanted.length > 0 && !wanted.includes(part.name)) continue;
    say(`measuring ${part.name}`);
    await part.prepare?.(cluster);
    const findings = await part.measure(cluster);
    process.stdout.write(`\n${findings.text}\n\n`);
    goals.push(...findings.goals);
    for (const namespace of part.namespaces ?? []) await deleteNamespace(cluster, namespace);
  }
  if (goals.length > 0) process.stdout.write(`${goalTable(goals)}\n`);
} finally {
  cluster.api.close();
  if (process.env["KEEP"] !== "1") await takeDown(NAME);
}
