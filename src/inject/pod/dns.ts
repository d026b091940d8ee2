/** Whether a pod's queries to the cluster's resolver are taken to the mesh, which is for it to say. */
import type { PodSpec } from "../../api/gen/kubernetes.ts";
import { DNS_CAPTURE } from "../../api/labels.ts";
import type { DnsCapture } from "../../xds/bootstrap-dns.ts";
import { refused } from "./values.ts";

export interface MeshDns {
  /** Whether pods that say nothing have their DNS captured. */
  readonly captured: boolean;
  /** Addresses of the cluster's resolver. */
  readonly resolvers: readonly string[];
}

type Annotations = Readonly<Record<string, string>>;

/**
 * What the pod asks for itself; `undefined`: nothing.
 *
 * @param object names the pod in messages
 * @throws MeshError `MESH0601` if it asks for something that is neither yes nor no
 */
export function asksForDns(annotations: Annotations, object: string): boolean | undefined {
  const own = annotations[DNS_CAPTURE];
  if (own === "true" || own === "false") return own === "true";
  if (own === undefined) return undefined;
  throw refused({ object, annotation: DNS_CAPTURE, value: own }, '"true" or "false"');
}

/** `undefined`: the pod's DNS is left alone. */
export function dnsCapture(
  asked: boolean | undefined,
  mesh: MeshDns | undefined,
): DnsCapture | undefined {
  const wanted = asked ?? mesh?.captured ?? false;
  return wanted && mesh !== undefined && mesh.resolvers.length > 0
    ? { resolvers: mesh.resolvers }
    : undefined;
}

/** Why a pod that asks for it will not see names of the mesh. */
export function dnsWarnings(
  asked: boolean | undefined,
  mesh: MeshDns | undefined,
  spec: PodSpec,
): readonly string[] {
  if (asked !== true) return [];
  const resolvers = mesh?.resolvers ?? [];
  if (resolvers.length === 0)
    return ["its DNS is not captured: the control plane does not know the cluster's resolver"];
  if (asksCluster(spec, resolvers)) return [];
  return [
    `names of the mesh do not resolve in it: with dnsPolicy ${spec.dnsPolicy} its queries do not go to the cluster's resolver (${resolvers.join(", ")}), and no others are captured`,
  ];
}

/** Whether the pod's name servers are the cluster's. */
const asksCluster = ({ dnsPolicy, dnsConfig }: PodSpec, resolvers: readonly string[]): boolean =>
  (dnsPolicy !== "None" && dnsPolicy !== "Default") ||
  (dnsConfig?.nameservers ?? []).some((one) => resolvers.includes(one));
