import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { cacheRoot } from "./cache.ts";
import { attempt, type Outcome, run } from "./command.ts";
import type { Cluster } from "./layout.ts";
import { toolPath } from "./tools.ts";
import { until } from "./wait.ts";

/** When a process began, in clock ticks after boot; undefined if there is no such process. */
function startTime(pid: string): string | undefined {
  try {
    const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (?=\S )/);
    return rest.split(" ")[19];
  } catch {
    // No such process.
    return undefined;
  }
}

/** The process that is the node, if it lives. */
export async function nodePid(cluster: Pick<Cluster, "runtime">): Promise<string | undefined> {
  const file = join(cluster.runtime, "node.pid");
  if (!existsSync(file)) return undefined;
  const [pid = "", started = ""] = (await readFile(file, "utf8")).trim().split(" ");
  return startTime(pid) === started ? pid : undefined;
}

/** Makes the node, unless it lives. */
export async function ensureNode(cluster: Cluster): Promise<void> {
  await mkdir(cluster.runtime, { recursive: true });
  await mkdir(join(cluster.state, "log"), { recursive: true });
  const script = join(import.meta.dirname, "node.sh");
  const { name, state, runtime } = cluster;
  const log = openSync(join(state, "log/node.log"), "a");
  spawn(script, [name, state, runtime, cacheRoot, relative(cacheRoot, toolPath("pause"))], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
  }).unref();
  closeSync(log);
  await until(`the node of cluster ${name} has its namespaces`, 10_000, async () => {
    const pid = await nodePid(cluster);
    return pid !== undefined && existsSync(`/proc/${pid}/root/run/meshwright/ready`);
  });
}

type Command = readonly [string, ...string[]];

async function entering(cluster: Cluster, command: Command): Promise<Command> {
  const pid = await nodePid(cluster);
  if (pid === undefined) throw new Error(`cluster ${cluster.name} is not up`);
  const spaces = ["--mount", "--net", "--uts", `--pid=/proc/${pid}/ns/pid_for_children`];
  return ["nsenter", `--target=${pid}`, ...spaces, "--", ...command];
}

/** Runs a command on the node to its end. */
export async function runInside(cluster: Cluster, command: Command): Promise<string> {
  return run(await entering(cluster, command), { cwd: "/" });
}

export async function attemptInside(cluster: Cluster, command: Command): Promise<Outcome> {
  return attempt(await entering(cluster, command), { cwd: "/" });
}

/** Ends the node, and with it everything that runs on it. */
export async function killNode(cluster: Pick<Cluster, "runtime">): Promise<void> {
  const pid = await nodePid(cluster);
  if (pid !== undefined) process.kill(Number(pid), "SIGKILL");
  // The lock is free when the last process of the node is gone.
  const lock = join(cluster.runtime, "node.lock");
  if (existsSync(lock)) await run(["flock", "--timeout", "60", lock, "true"]);
  await rm(join(cluster.runtime, "node.pid"), { force: true });
}
