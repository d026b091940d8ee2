/** The objects a new cluster needs before pods can use it: DNS, and rights of our own programs. */
import { attempt } from "./command.ts";
import type { Cluster } from "./layout.ts";
import { toolPath } from "./tools.ts";

const rights = (user: string, rules: readonly object[]): object[] => {
  const metadata = { name: `system:${user}` };
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: metadata.name },
      subjects: [{ apiGroup: rbac, kind: "User", name: metadata.name }],
    },
  ];
};

/** CoreDNS is a process of the node: a Service without selector leads there. */
function dnsObjects({ node, dnsService }: Cluster): object[] {
  const metadata = {
    name: "kube-dns",
    namespace: "kube-system",
    labels: { "k8s-app": "kube-dns" },
  };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { clusterIP: dnsService, ports },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, "kubernetes.io/service-name": "kube-dns" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [node.v4], conditions: { ready: true } }],
      ports,
    },
  ];
}

const objects = (cluster: Cluster): object[] => [
  ...dnsObjects(cluster),
  ...rights("coredns", [
    {
      apiGroups: [""],
      resources: ["endpoints", "services", "pods", "namespaces"],
      verbs: ["list", "watch"],
    },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ]),
  ...rights("load-balancer", [
    { apiGroups: [""], resources: ["services"], verbs: ["list", "watch"] },
    { apiGroups: [""], resources: ["services/status"], verbs: ["patch"] },
  ]),
];

/** Applies the objects. Fails while the API server is not ready for it. */
export async function applyAddons(cluster: Cluster): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects(cluster) };
  const outcome = await attempt(
    [toolPath("kubectl"), "--kubeconfig", cluster.kubeconfig, "apply", "--server-side", "-f", "-"],
    { input: JSON.stringify(list) },
  );
  if (outcome.code !== 0) throw new Error(outcome.stderr.trim());
}
