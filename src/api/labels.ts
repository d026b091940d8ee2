/** Labels and annotations that more than one part reads or writes. */

/** On every object the operator makes. */
export const MANAGED_BY = "app.kubernetes.io/managed-by";
export const MANAGER = "meshwright-operator";
export const MESH = "meshwright.dev/mesh";
export const COMPONENT = "meshwright.dev/component";

/** Marks the pods of a gateway; the value is `gateway`. Sidecars carry no such label. */
export const PROXY_KIND = "meshwright.dev/proxy";

/** On a pod: whether its sidecar takes its DNS. */
export const DNS_CAPTURE = "meshwright.dev/dns-capture";

/** On the pod by which the operator asks whether injection works; it is never created. */
export const INJECTION_PROBE = "meshwright.dev/probe";

/** Istio's, kept so that labels on existing workloads go on working. */
export const INJECTION = "istio-injection";
export const SIDECAR_INJECT = "sidecar.istio.io/inject";
export const REVISION = "istio.io/rev";
/** On a Service: the namespaces that see it, as `exportTo` of the Istio API. */
export const EXPORT_TO = "networking.istio.io/exportTo";
export const TLS_MODE = "security.istio.io/tlsMode";
export const CANONICAL_NAME = "service.istio.io/canonical-name";
export const CANONICAL_REVISION = "service.istio.io/canonical-revision";
export const SIDECAR_STATUS = "sidecar.istio.io/status";

export const TOPOLOGY_REGION = "topology.kubernetes.io/region";
export const TOPOLOGY_ZONE = "topology.kubernetes.io/zone";
export const TOPOLOGY_SUBZONE = "topology.istio.io/subzone";
export const TOPOLOGY_NETWORK = "topology.istio.io/network";
export const HOSTNAME = "kubernetes.io/hostname";
/** On a pod: where it is, in place of where its node is; parts are separated by dots. */
export const LOCALITY = "istio-locality";
/** On a Service: as its `trafficDistribution`, which it overrides. */
export const TRAFFIC_DISTRIBUTION = "networking.istio.io/traffic-distribution";
export const SERVICE_NAME = "kubernetes.io/service-name";
