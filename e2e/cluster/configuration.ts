/** The configuration files of what runs on the node. Pure but for writing them. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { kubeconfigOf } from "./certificates.ts";
import { attempt } from "./command.ts";
import { config, containerdSocket } from "./components.ts";
import { writeAtomically } from "./files.ts";
import { type Cluster, inside } from "./layout.ts";
import { pauseImage } from "./pause-image.ts";

/** What containerd is built with, and a cluster on one machine never uses. */
const unusedPlugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
];

const containerdConfig = (snapshotter: string): string => `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ${JSON.stringify(unusedPlugins)}

[grpc]
  address = "${containerdSocket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  # Where the machine withholds CAP_SYS_RESOURCE, runc dies without this.
  restrict_oom_score_adj = true
  # Containers that are not root may serve on port 80 and ping.
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${config("cni")}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

const podNetwork = ({ podRange }: Cluster): object => ({
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        dataDir: "/run/cni",
        ranges: [[{ subnet: podRange.v4 }], [{ subnet: podRange.v6 }]],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
});

const kubeletConfig = ({ cgroup, dnsService }: Cluster): object => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${inside.state}/pki/ca.crt` },
  },
  authorization: { mode: "Webhook" },
  tlsCertFile: `${inside.state}/pki/kubelet.crt`,
  tlsPrivateKeyFile: `${inside.state}/pki/kubelet.key`,
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  clusterDNS: [dnsService],
  clusterDomain: "cluster.local",
  resolvConf: config("resolv.conf"),
  cgroupDriver: "cgroupfs",
  // Kubelets that share a root kill each other's pods.
  cgroupRoot: `/${cgroup}`,
  failCgroupV1: false,
  failSwapOn: false,
  enforceNodeAllocatable: [],
  localStorageCapacityIsolation: false,
  evictionHard: {
    "memory.available": "100Mi",
    "nodefs.available": "1%",
    "imagefs.available": "1%",
  },
  // Images come by import: one that was collected would never come back.
  imageGCHighThresholdPercent: 100,
  oomScoreAdj: 0,
  maxPods: 250,
  // Tests change ConfigMaps and wait for pods to see it.
  syncFrequency: "2s",
  serializeImagePulls: false,
  registryPullQPS: 0,
  // Of events, none is taken for the default of five a second, which sixty pods are minutes behind.
  eventRecordQPS: 200,
  eventBurst: 400,
  kubeAPIQPS: 200,
  kubeAPIBurst: 400,
});

const kubeProxyConfig = ({ name, podRange }: Cluster): object => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clientConnection: { kubeconfig: kubeconfigOf("proxy") },
  mode: "iptables",
  clusterCIDR: `${podRange.v4},${podRange.v6}`,
  hostnameOverride: name,
  oomScoreAdj: 0,
  // The table of connections is the machine's: its size is not ours to set.
  conntrack: {
    maxPerCore: 0,
    min: 0,
    tcpEstablishedTimeout: "0s",
    tcpCloseWaitTimeout: "0s",
  },
  iptables: { syncPeriod: "30s", minSyncPeriod: "0s" },
});

/** Cluster names from Kubernetes, others from a file that tests may write; the rest do not exist. */
const corefile = ({ node, serviceRange, podRange }: Cluster): string => `.:53 {
    bind ${node.v4} ${node.v6}
    health 127.0.0.1:8053
    ready 127.0.0.1:8181
    errors
    kubernetes cluster.local ${[serviceRange, podRange].flatMap((r) => [r.v4, r.v6]).join(" ")} {
        kubeconfig ${kubeconfigOf("coredns")}
        pods insecure
        ttl 5
    }
    hosts ${config("hosts")} . {
        reload 1s
        ttl 5
        fallthrough
    }
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
`;

/** overlayfs cannot lie on overlayfs, which is what a checkout inside a container lies on. */
async function snapshotterFor(directory: string): Promise<string> {
  const { stdout } = await attempt(["stat", "--file-system", "--format=%T", directory]);
  return stdout.trim() === "overlayfs" ? "native" : "overlayfs";
}

/** Writes what the node's programs read when they start. */
export async function writeConfiguration(cluster: Cluster): Promise<void> {
  const directory = join(cluster.state, "etc");
  await mkdir(join(directory, "cni"), { recursive: true });
  const files = {
    "containerd.toml": containerdConfig(await snapshotterFor(cluster.state)),
    "cni/10-pods.conflist": JSON.stringify(podNetwork(cluster)),
    "kubelet.json": JSON.stringify(kubeletConfig(cluster)),
    "kube-proxy.json": JSON.stringify(kubeProxyConfig(cluster)),
    "resolv.conf": `nameserver ${cluster.node.v4}\n`,
    Corefile: corefile(cluster),
    hosts: "",
  };
  for (const [name, text] of Object.entries(files)) {
    await writeAtomically(join(directory, name), text);
  }
}
