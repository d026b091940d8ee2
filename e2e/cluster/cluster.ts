/** What a test may do to a running cluster. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ComponentName, commandLine } from "./components.ts";
import { ClusterError } from "./errors.ts";
import { writeAtomically } from "./files.ts";
import { type Cluster, layout } from "./layout.ts";
import { attemptInside, runInside } from "./node.ts";
import { findClaim } from "./registry.ts";

const script = readFile(join(import.meta.dirname, "component.sh"), "utf8");

type Verb = "start" | "stop" | "kill" | "check";

const invocation = async (
  verb: Verb,
  component: ComponentName,
  command: readonly string[] = [],
): Promise<readonly [string, ...string[]]> => [
  "sh",
  "-c",
  await script,
  "component",
  verb,
  component,
  ...command,
];

/** @throws ClusterError if this checkout has no such cluster */
export async function openCluster(name: string): Promise<Cluster> {
  const claim = await findClaim(name);
  if (claim !== undefined) return layout(claim);
  throw new ClusterError(`there is no cluster ${name}`, `run \`make cluster-up NAME=${name}\``);
}

/** Starts a component, unless it runs. */
export async function startComponent(cluster: Cluster, component: ComponentName): Promise<void> {
  await runInside(cluster, await invocation("start", component, commandLine(cluster, component)));
}

/** Asks a component to end, and makes it after ten seconds. Pods go on without it. */
export async function stopComponent(cluster: Cluster, component: ComponentName): Promise<void> {
  await runInside(cluster, await invocation("stop", component));
}

/** Ends a component without asking. */
export async function killComponent(cluster: Cluster, component: ComponentName): Promise<void> {
  await runInside(cluster, await invocation("kill", component));
}

/**
 * Makes the cluster's DNS know names of the world outside, and forget those it was told before.
 * A query sees them within a second.
 */
export async function nameExternalHosts(
  cluster: Cluster,
  addressOf: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(addressOf).map(([host, address]) => `${address} ${host}\n`);
  await writeAtomically(join(cluster.state, "etc/hosts"), lines.join(""));
}

export async function isRunning(cluster: Cluster, component: ComponentName): Promise<boolean> {
  return (await attemptInside(cluster, await invocation("check", component))).code === 0;
}
