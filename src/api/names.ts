/** Names and ports that are a contract between the parts, and between us and a user's cluster. */

export const OPERATOR_NAMESPACE = "meshwright-operator";
export const OPERATOR = "meshwright-operator";
export const CONTROL_PLANE_NAMESPACE = "mesh-system";
export const CONTROL_PLANE = "meshwright-control-plane";

/** The headless Service by which sidecars find the replicas that answer DNS, each by its own address. */
export const DNS_SERVICE = "meshwright-dns";

/** The mesh's root of trust, in the operator's namespace, so that it survives the mesh's own. */
export const CA_SECRET = "meshwright-ca";
/** The control plane's copy of it, in the layout that Istio's users know. */
export const CACERTS_SECRET = "cacerts";
export const ROOT_CONFIG_MAP = "meshwright-ca-root-cert";
export const ROOT_CONFIG_MAP_KEY = "root-cert.pem";

export const TOKEN_AUDIENCE = "istio-ca";

export const CONFIG_FILE = "/etc/meshwright/config/config.json";

export const PORTS = {
  xds: 15012,
  /** Where gRPC libraries reach the control plane, in their own pod. */
  grpcXds: 15010,
  webhook: 15017,
  monitoring: 15014,
  /** Where sidecars of pods whose DNS is captured take it, and where they bring it. */
  dns: 15053,
  outbound: 15001,
  inbound: 15006,
  readiness: 15021,
  stats: 15090,
  probes: 15020,
  admin: 15000,
} as const;

export const PROXY_UID = 1337;
export const PROXY_CONTAINER = "istio-proxy";
export const INIT_CONTAINER = "istio-init";

export const WORKLOAD_SECRET = "default";
export const ROOT_SECRET = "ROOTCA";
/** The bootstrap cluster through which a proxy reaches the control plane. */
export const XDS_CLUSTER = "xds-grpc";
/** Where a proxy finds what the kubelet projects for it: its token, the roots, and the two SDS files. */
export const PROXY_DIRECTORY = "/etc/meshwright/proxy";

/** The names that the control plane's serving certificate must carry; the first is what is checked. */
export function controlPlaneDnsNames(namespace: string, clusterDomain: string): readonly string[] {
  const service = `${CONTROL_PLANE}.${namespace}`;
  return [`${service}.svc`, `${service}.svc.${clusterDomain}`, service];
}
