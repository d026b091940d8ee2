import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { applyAddons } from "./addons.ts";
import { ensureCertificates } from "./certificates.ts";
import { cgroupHierarchy, ensureCgroups } from "./cgroups.ts";
import { openCluster, startComponent } from "./cluster.ts";
import { attempt } from "./command.ts";
import { type ComponentName, containerdSocket } from "./components.ts";
import { writeConfiguration } from "./configuration.ts";
import { reclaimOrphans, removeTraces } from "./down.ts";
import { ClusterError } from "./errors.ts";
import { withCluster } from "./exclusive.ts";
import { writeAtomically } from "./files.ts";
import { type Cluster, layout } from "./layout.ts";
import { connectClusters, ensureNetwork } from "./network.ts";
import { attemptInside, ensureNode, nodePid, runInside } from "./node.ts";
import { requirePackages, requireRoot } from "./packages.ts";
import { pauseArchive } from "./pause-image.ts";
import { checkout, claim, claims, findClaim } from "./registry.ts";
import { say } from "./say.ts";
import { allTools, ensureTools, requireBuilders, toolPath } from "./tools.ts";
import { until } from "./wait.ts";

/** @throws ClusterError before anything has changed, if this machine cannot run a cluster */
function checkMachine(name: string): void {
  if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new ClusterError(
      `${JSON.stringify(name)} cannot name a cluster, which names its node`,
      "use at most 40 lower case letters, digits and dashes, beginning with a letter",
    );
  }
  requireRoot();
  requirePackages();
  cgroupHierarchy();
}

/** Every sidecar takes one, all of them as one user; a pod of another mesh may take more. */
function noteLimits(): void {
  const file = "/proc/sys/fs/inotify/max_user_instances";
  const instances = Number(readFileSync(file, "utf8"));
  if (instances >= 128) return;
  say(`the machine's limit of ${instances} inotify instances allows about ${instances} sidecars`);
  say("  for more: sysctl -w fs.inotify.max_user_instances=1024");
}

/** The slot this cluster had when its state was written: certificates and objects depend on it. */
async function slotOfState(state: string): Promise<number | undefined> {
  const file = join(state, "slot");
  return existsSync(file) ? Number(await readFile(file, "utf8")) : undefined;
}

/** Gives the cluster its addresses; state that was made for others is of no use any more. */
async function allocate(name: string): Promise<Cluster> {
  await reclaimOrphans();
  const before = await slotOfState(join(checkout, ".state", name));
  const cluster = layout(await claim(name, before));
  if (before !== cluster.slot) {
    await removeTraces(cluster);
    await mkdir(cluster.state, { recursive: true });
    await writeAtomically(join(cluster.state, "slot"), String(cluster.slot));
  }
  return cluster;
}

const kubectl = (cluster: Cluster, ...args: string[]): ReturnType<typeof attempt> =>
  attempt([toolPath("kubectl"), "--kubeconfig", cluster.kubeconfig, ...args]);

/** Whether the node has what its pods need to start. */
async function importPauseImage(cluster: Cluster): Promise<void> {
  const archive = await pauseArchive();
  const ctr = ["ctr", "--address", containerdSocket, "--namespace", "k8s.io"] as const;
  await until("containerd serves", 20_000, async () => {
    return (await attemptInside(cluster, [...ctr, "version"])).code === 0;
  });
  await runInside(cluster, [...ctr, "images", "import", archive]);
}

async function startAll(cluster: Cluster, components: readonly ComponentName[]): Promise<void> {
  for (const component of components) await startComponent(cluster, component);
}

async function startControlPlane(cluster: Cluster): Promise<void> {
  await startAll(cluster, ["etcd", "apiserver", "containerd"]);
  await importPauseImage(cluster);
  await until("the API server is ready", 60_000, async () => {
    return (await kubectl(cluster, "get", "--raw", "/readyz")).code === 0;
  });
}

async function waitForNode(cluster: Cluster): Promise<void> {
  const ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
  await until(`node ${cluster.name} is Ready`, 60_000, async () => {
    return (await kubectl(cluster, "get", "node", cluster.name, "-o", ready)).stdout === "True";
  });
  await until("namespace default has its service account", 30_000, async () => {
    return (await kubectl(cluster, "get", "serviceaccount", "default")).code === 0;
  });
}

/** Gives the new cluster a cable to every other one of this checkout. */
async function connectPeers(cluster: Cluster): Promise<void> {
  for (const other of (await claims()).map(layout)) {
    const ours = other.state.startsWith(`${join(checkout, ".state")}/`);
    if (!ours || other.slot === cluster.slot || (await nodePid(other)) === undefined) continue;
    await connectClusters(cluster, other, { pods: false });
  }
}

async function start(name: string): Promise<Cluster> {
  const cluster = await allocate(name);
  say(`cluster ${name}: node ${cluster.node.v4}, pods ${cluster.podRange.v4}`);
  await Promise.all([
    ensureCertificates(cluster),
    ensureCgroups(cluster.cgroup),
    ensureNode(cluster).then(() => ensureNetwork(cluster)),
    writeConfiguration(cluster),
  ]);
  await connectPeers(cluster);
  say("starting the control plane");
  await startControlPlane(cluster);
  say("starting the node");
  await startAll(cluster, ["controller-manager", "scheduler", "kubelet", "kube-proxy"]);
  await until("the API server takes objects", 30_000, async () => {
    await applyAddons(cluster);
    return true;
  });
  await startAll(cluster, ["coredns", "load-balancer"]);
  await waitForNode(cluster);
  noteLimits();
  say(`cluster ${name} is ready`);
  return cluster;
}

/** Brings a cluster up, or completes what an interrupted run began. */
export async function up(name: string): Promise<Cluster> {
  checkMachine(name);
  await requireBuilders();
  await ensureTools(allTools);
  return withCluster(name, () => start(name));
}

/** Whether this checkout has a cluster of this name, and where. */
export async function status(name: string): Promise<Cluster | undefined> {
  return (await findClaim(name)) === undefined ? undefined : openCluster(name);
}
