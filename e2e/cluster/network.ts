import { allPods, linkPrefix } from "./addresses.ts";
import { attempt, run } from "./command.ts";
import type { Cluster } from "./layout.ts";
import { attemptInside, nodePid, runInside } from "./node.ts";

const words = (text: string): readonly [string, ...string[]] => {
  const [first = "", ...rest] = text.split(" ");
  return [first, ...rest];
};

const onHost = (text: string): Promise<string> => run(words(text));
const onNode = (cluster: Cluster, text: string): Promise<string> => runInside(cluster, words(text));

const nodeHas = async (cluster: Cluster, name: string): Promise<boolean> =>
  (await attemptInside(cluster, ["ip", "link", "show", name])).code === 0;

const sysctls = [
  "net.ipv4.ip_forward=1",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv6.conf.all.disable_ipv6=0",
  "net.ipv6.conf.all.forwarding=1",
  "net.ipv6.conf.default.accept_dad=0",
  "net.bridge.bridge-nf-call-iptables=1",
  "net.bridge.bridge-nf-call-ip6tables=1",
];

/** Joins the node to the machine: a pair of interfaces, and routes to what the cluster serves. */
async function connectHost(cluster: Cluster): Promise<void> {
  const { hostInterface, host, node, loadBalancerRange, podRange, serviceRange } = cluster;
  if (!(await nodeHas(cluster, "eth0"))) {
    await removeHostInterface(hostInterface);
    const pid = await nodePid(cluster);
    await onHost(`ip link add ${hostInterface} type veth peer name eth0 netns ${pid}`);
  }
  await onNode(cluster, "ip link set lo up");
  await onNode(cluster, `ip address replace ${node.v4}/${linkPrefix.v4} dev eth0`);
  await onNode(cluster, `ip address replace ${node.v6}/${linkPrefix.v6} dev eth0 nodad`);
  await onNode(cluster, "ip link set eth0 up");
  await onHost(`ip address replace ${host.v4}/${linkPrefix.v4} dev ${hostInterface}`);
  await onHost(`ip address replace ${host.v6}/${linkPrefix.v6} dev ${hostInterface} nodad`);
  await onHost(`ip link set ${hostInterface} up`);
  await onNode(cluster, `ip route replace default via ${host.v4}`);
  await onNode(cluster, `ip -6 route replace default via ${host.v6}`);
  for (const range of [loadBalancerRange, podRange, serviceRange]) {
    await onHost(`ip route replace ${range.v4} via ${node.v4}`);
    await onHost(`ip -6 route replace ${range.v6} via ${node.v6}`);
  }
}

/** Lets pods reach what is not a pod: only pods know the way back to a pod's address. */
async function translatePods(cluster: Cluster): Promise<void> {
  for (const [program, range, all] of [
    ["iptables", cluster.podRange.v4, allPods.v4],
    ["ip6tables", cluster.podRange.v6, allPods.v6],
  ] as const) {
    const rule = [
      "POSTROUTING",
      "-s",
      range,
      "!",
      "-d",
      all,
      "!",
      "-o",
      "cni0",
      "-j",
      "MASQUERADE",
    ];
    const table = [program, "--wait", "-t", "nat"] as const;
    const { code } = await attemptInside(cluster, [...table, "-C", ...rule]);
    if (code !== 0) await runInside(cluster, [...table, "-A", ...rule]);
  }
}

/** Connects a new node: namespace settings, the link to the machine, address translation. */
export async function ensureNetwork(cluster: Cluster): Promise<void> {
  await runInside(cluster, ["sysctl", "-q", "-w", ...sysctls]);
  await connectHost(cluster);
  await translatePods(cluster);
}

async function ensureLink(one: Cluster, other: Cluster): Promise<void> {
  if (await nodeHas(one, one.peerInterface(other.slot))) return;
  // The end of a cable whose other end died a moment ago: the kernel removes it in its own time.
  await attemptInside(other, ["ip", "link", "delete", other.peerInterface(one.slot)]);
  const here = `${one.peerInterface(other.slot)} netns ${await nodePid(one)}`;
  const there = `${other.peerInterface(one.slot)} netns ${await nodePid(other)}`;
  await onHost(`ip link add ${here} type veth peer name ${there}`);
}

async function routeToPeer(from: Cluster, to: Cluster, withPods: boolean): Promise<void> {
  const link = from.peerInterface(to.slot);
  // IPv6 answers for an address only on the interface that has it.
  await onNode(from, `ip address replace ${from.node.v6}/128 dev ${link} nodad`);
  await onNode(from, `ip link set ${link} up`);
  await onNode(from, `ip route replace ${to.node.v4} dev ${link} src ${from.node.v4}`);
  await onNode(from, `ip -6 route replace ${to.node.v6} dev ${link} src ${from.node.v6}`);
  for (const range of [to.loadBalancerRange, ...(withPods ? [to.podRange] : [])]) {
    await onNode(from, `ip route replace ${range.v4} via ${to.node.v4} dev ${link}`);
    await onNode(from, `ip -6 route replace ${range.v6} via ${to.node.v6} dev ${link}`);
  }
}

/**
 * Joins two clusters by a cable of their own. Nodes and LoadBalancer addresses reach each other;
 * with pods also the pods do: one network instead of two.
 */
export async function connectClusters(
  one: Cluster,
  other: Cluster,
  options: { readonly pods: boolean },
): Promise<void> {
  await ensureLink(one, other);
  await routeToPeer(one, other, options.pods);
  await routeToPeer(other, one, options.pods);
}

/** Removes the machine's end of the link; the node's end goes with it. */
export async function removeHostInterface(hostInterface: string): Promise<void> {
  // Whether it is there is known only by trying: the kernel removes it too, in its own time.
  const { code } = await attempt(["ip", "link", "delete", hostInterface]);
  if (code === 0) return;
  const links = await run(["ip", "-oneline", "link"]);
  if (links.includes(` ${hostInterface}@`)) throw new Error(`cannot delete ${hostInterface}`);
}
