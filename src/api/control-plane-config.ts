import type { MeshConfigSpecMesh } from "./gen/mesh-config.ts";

/** Which endpoints a client goes to first, by where it and they are; as users write it. */
export interface LocalityLbSetting {
  readonly enabled: boolean;
  readonly distribute?: readonly {
    readonly from: string;
    readonly to: Readonly<Record<string, number>>;
  }[];
  readonly failover?: readonly { readonly from: string; readonly to: string }[];
  readonly failoverPriority?: readonly string[];
}

/**
 * What the operator tells the control plane: one JSON file, mounted from the ConfigMap that it
 * renders, and read once at start (a change rolls the Deployment).
 */
export interface ControlPlaneConfig {
  /** Name of the MeshConfig; also the injector's revision (`istio.io/rev`). */
  readonly mesh: string;
  readonly namespace: string;
  /** Where mesh-wide policy is read from. */
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  /** Where gateways run: their pods mount the roots, and their servers' credentials lie there. */
  readonly gatewayNamespaces: readonly string[];
  /** Image that the injector puts into pods. */
  readonly proxyImage: string;
  /** Whether pods that say nothing of it have their DNS captured. */
  readonly dnsCapture?: boolean;
  /** Lifetime of a workload's certificate, in milliseconds. */
  readonly workloadTtlMs: number;
  /** Whether a host that the mesh does not know is reachable from a sidecar. */
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** For services of which no DestinationRule says otherwise. */
  readonly localityLbSetting?: LocalityLbSetting;
  /** Where proxies write access logs, e.g. `/dev/stdout`; empty for none. */
  readonly accessLogFile: string;
  /** Istio's other mesh-wide settings, as the user wrote them; absent is the default. */
  readonly meshConfig?: MeshConfigSpecMesh;
}
