/** Each cluster's pods have a control group of their own, or two kubelets kill each other's pods. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "./errors.ts";
import { until } from "./wait.ts";

const root = "/sys/fs/cgroup";

type Hierarchy =
  | { readonly version: 1; readonly controllers: readonly string[] }
  | { readonly version: 2 };

/** The controllers the kubelet cannot do without. */
const needed = ["cpu", "cpuset", "memory", "pids"];

/**
 * How this machine mounts its control groups. Changes nothing.
 *
 * @throws ClusterError if the kubelet could not work with them
 */
export async function cgroupHierarchy(): Promise<Hierarchy> {
  const unified = join(root, "cgroup.controllers");
  const version = existsSync(unified) ? 2 : 1;
  const controllers =
    version === 2
      ? (await readFile(unified, "utf8")).trim().split(" ")
      : readdirSync(root).filter((name) => existsSync(join(root, name, "tasks")));
  const absent = needed.filter((name) => !controllers.some((one) => one.split(",").includes(name)));
  if (absent.length > 0) {
    throw new ClusterError(
      `the cgroup v${version} at ${root} lacks the controllers ${absent.join(", ")}`,
      "mount them, or use a cluster you have with CLUSTER=current",
    );
  }
  return version === 2 ? { version } : { version, controllers };
}

/** A new v1 cpuset group has no processors and no memory, and takes no process until it does. */
async function inheritCpuset(directory: string): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    await writeFile(join(directory, file), await readFile(join(directory, "..", file)));
  }
}

/** Makes the cluster's groups, unless they exist. */
export async function ensureCgroups(name: string): Promise<void> {
  const hierarchy = await cgroupHierarchy();
  if (hierarchy.version === 2) {
    const wanted = needed.map((controller) => `+${controller}`).join(" ");
    await writeFile(join(root, "cgroup.subtree_control"), wanted);
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, "cgroup.subtree_control"), wanted);
    return;
  }
  for (const controller of hierarchy.controllers) {
    const directory = join(root, controller, name);
    await mkdir(directory, { recursive: true });
    if (existsSync(join(directory, "cpuset.cpus"))) await inheritCpuset(directory);
  }
}

/** Every directory that holds groups of this name, whichever version mounts it. */
export function cgroupDirectories(name: string): string[] {
  const mounts = [root, ...readdirSync(root).map((entry) => join(root, entry))];
  return mounts
    .map((mount) => join(mount, name))
    .filter((path) => existsSync(path) && statSync(path).isDirectory());
}

async function removeTree(directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  }
  await rmdir(directory);
}

/** Removes the cluster's groups; their processes must be dead. */
export async function removeCgroups(name: string): Promise<void> {
  await until(`the control groups ${name} are empty`, 20_000, async () => {
    for (const directory of cgroupDirectories(name)) await removeTree(directory);
    return true;
  });
}
