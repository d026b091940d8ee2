/** The command lines of what runs on the node. Pure; every path is the node's own. */
import { relative } from "node:path";
import { cacheRoot } from "./cache.ts";
import { kubeconfigOf } from "./certificates.ts";
import { type Cluster, inside } from "./layout.ts";
import { type ToolName, toolPath } from "./tools.ts";

export const componentNames = [
  "etcd",
  "containerd",
  "apiserver",
  "controller-manager",
  "scheduler",
  "coredns",
  "kubelet",
  "kube-proxy",
  "load-balancer",
] as const;

export type ComponentName = (typeof componentNames)[number];
type CommandLine = readonly [string, ...string[]];

const tool = (name: ToolName): string => `${inside.tools}/${relative(cacheRoot, toolPath(name))}`;
const pki = (file: string): string => `${inside.state}/pki/${file}`;
export const config = (file: string): string => `${inside.state}/etc/${file}`;

export const etcdEndpoint = "http://127.0.0.1:2379";
export const containerdSocket = "/run/containerd/containerd.sock";

const serviceRanges = ({ serviceRange }: Cluster): string =>
  `--service-cluster-ip-range=${serviceRange.v4},${serviceRange.v6}`;

const etcd = (): CommandLine => [
  tool("etcd"),
  "--data-dir=/var/lib/etcd",
  `--listen-client-urls=${etcdEndpoint}`,
  `--advertise-client-urls=${etcdEndpoint}`,
  "--listen-peer-urls=http://127.0.0.1:2380",
  // A cluster for development may lose its last second when the machine loses power.
  "--unsafe-no-fsync",
];

const apiserver = (cluster: Cluster): CommandLine => [
  // Collecting garbage less often it takes a sixth less CPU, and half as much memory again.
  "env",
  "GOGC=400",
  tool("kube-apiserver"),
  `--etcd-servers=${etcdEndpoint}`,
  serviceRanges(cluster),
  `--advertise-address=${cluster.node.v4}`,
  "--secure-port=6443",
  `--tls-cert-file=${pki("apiserver.crt")}`,
  `--tls-private-key-file=${pki("apiserver.key")}`,
  `--client-ca-file=${pki("ca.crt")}`,
  `--service-account-key-file=${pki("sa.pub")}`,
  `--service-account-signing-key-file=${pki("sa.key")}`,
  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  "--authorization-mode=Node,RBAC",
  "--enable-admission-plugins=NodeRestriction",
  "--allow-privileged=true",
  `--kubelet-client-certificate=${pki("admin.crt")}`,
  `--kubelet-client-key=${pki("admin.key")}`,
  `--kubelet-certificate-authority=${pki("ca.crt")}`,
  // Nothing resolves the node's name.
  "--kubelet-preferred-address-types=InternalIP",
  `--requestheader-client-ca-file=${pki("ca.crt")}`,
  "--requestheader-allowed-names=front-proxy",
  "--requestheader-username-headers=X-Remote-User",
  "--requestheader-group-headers=X-Remote-Group",
  "--requestheader-extra-headers-prefix=X-Remote-Extra-",
  `--proxy-client-cert-file=${pki("front-proxy.crt")}`,
  `--proxy-client-key-file=${pki("front-proxy.key")}`,
];

const controllerManager = (cluster: Cluster): CommandLine => [
  tool("kube-controller-manager"),
  `--kubeconfig=${kubeconfigOf("controller-manager")}`,
  `--service-account-private-key-file=${pki("sa.key")}`,
  `--root-ca-file=${pki("ca.crt")}`,
  `--cluster-signing-cert-file=${pki("ca.crt")}`,
  `--cluster-signing-key-file=${pki("ca.key")}`,
  "--use-service-account-credentials",
  "--allocate-node-cidrs=false",
  serviceRanges(cluster),
  "--leader-elect=false",
  "--kube-api-qps=200",
  "--kube-api-burst=400",
];

const scheduler = (): CommandLine => [
  tool("kube-scheduler"),
  `--kubeconfig=${kubeconfigOf("scheduler")}`,
  "--leader-elect=false",
  "--kube-api-qps=200",
  "--kube-api-burst=400",
];

const kubelet = ({ name, node }: Cluster): CommandLine => [
  tool("kubelet"),
  `--config=${config("kubelet.json")}`,
  `--kubeconfig=${kubeconfigOf("kubelet")}`,
  `--hostname-override=${name}`,
  `--node-ip=${node.v4},${node.v6}`,
];

const loadBalancer = ({ loadBalancerRange }: Cluster): CommandLine => [
  `${inside.checkout}/node_modules/.bin/node`,
  `${inside.checkout}/e2e/cluster/load-balancer.ts`,
  kubeconfigOf("load-balancer"),
  loadBalancerRange.v4,
  loadBalancerRange.v6,
];

/** The command line of a component. */
export function commandLine(cluster: Cluster, component: ComponentName): CommandLine {
  switch (component) {
    case "etcd":
      return etcd();
    case "containerd":
      return ["containerd", `--config=${config("containerd.toml")}`];
    case "apiserver":
      return apiserver(cluster);
    case "controller-manager":
      return controllerManager(cluster);
    case "scheduler":
      return scheduler();
    case "coredns":
      return [tool("coredns"), `-conf=${config("Corefile")}`];
    case "kubelet":
      return kubelet(cluster);
    case "kube-proxy":
      return [tool("kube-proxy"), `--config=${config("kube-proxy.json")}`];
    case "load-balancer":
      return loadBalancer(cluster);
  }
}
