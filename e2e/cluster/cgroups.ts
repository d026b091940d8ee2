/** Each cluster's pods have a control group of their own, or two kubelets kill each other's pods. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "./errors.ts";
import { until } from "./wait.ts";

const root = "/sys/fs/cgroup";

interface Hierarchy {
  readonly version: 1 | 2;
  /** v1: the directories, one or several controllers each. v2: the controllers. */
  readonly controllers: readonly string[];
}

/** The controllers the kubelet cannot do without, and those it insists on where the machine has them. */
const needed = ["cpu", "cpuset", "memory", "pids"];
const used = [...needed, "hugetlb", "io"];

function readHierarchy(): Hierarchy {
  const unified = join(root, "cgroup.controllers");
  if (existsSync(unified)) {
    return { version: 2, controllers: readFileSync(unified, "utf8").trim().split(" ") };
  }
  const directories = readdirSync(root).filter((name) => existsSync(join(root, name, "tasks")));
  return { version: 1, controllers: directories };
}

/**
 * A group of v2 that has processes cannot pass controllers on to groups below. The machine's root is
 * exempt and has no type; a container's is not.
 */
function requireDelegation(controllers: readonly string[]): void {
  if (!existsSync(join(root, "cgroup.type"))) return;
  const delegated = readFileSync(join(root, "cgroup.subtree_control"), "utf8").trim().split(" ");
  const occupied = readFileSync(join(root, "cgroup.procs"), "utf8") !== "";
  if (!occupied || needed.every((name) => delegated.includes(name))) return;
  throw new ClusterError(
    `the control group of this container does not delegate ${controllers.join(", ")}: it has processes`,
    `move them into a group below: mkdir ${root}/init && xargs -n1 < ${root}/cgroup.procs > ${root}/init/cgroup.procs`,
  );
}

/**
 * How this machine mounts its control groups. Changes nothing.
 *
 * @throws ClusterError if the kubelet could not work with them
 */
export function cgroupHierarchy(): Hierarchy {
  const hierarchy = readHierarchy();
  const { version, controllers } = hierarchy;
  const present = controllers.flatMap((one) => one.split(","));
  const absent = needed.filter((name) => !present.includes(name));
  if (absent.length > 0) {
    throw new ClusterError(
      `the cgroup v${version} at ${root} lacks the controllers ${absent.join(", ")}`,
      "mount them, or use a cluster you have with CLUSTER=current",
    );
  }
  if (version === 2) requireDelegation(needed);
  return hierarchy;
}

/** A new v1 cpuset group has no processors and no memory, and takes no process until it does. */
async function inheritCpuset(directory: string): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    await writeFile(join(directory, file), await readFile(join(directory, "..", file)));
  }
}

async function ensureUnified(name: string, available: readonly string[]): Promise<void> {
  const wanted = used.filter((controller) => available.includes(controller));
  const enable = wanted.map((controller) => `+${controller}`).join(" ");
  await writeFile(join(root, "cgroup.subtree_control"), enable);
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, "cgroup.subtree_control"), enable);
}

/** Makes the cluster's groups, unless they exist. */
export async function ensureCgroups(name: string): Promise<void> {
  const { version, controllers } = cgroupHierarchy();
  if (version === 2) return ensureUnified(name, controllers);
  for (const controller of controllers) {
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
