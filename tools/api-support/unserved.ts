/** Kinds of Istio's API that the API server takes and no part of the mesh reads. */
export interface UnservedKind {
  readonly kind: string;
  /** What holds in its place, or serves meanwhile. */
  readonly meanwhile: string;
}

export const UNSERVED: readonly UnservedKind[] = [
  {
    kind: "AuthorizationPolicy",
    meanwhile:
      "no request is denied, not by an empty one either: NetworkPolicies deny connections, applications requests",
  },
  {
    kind: "PeerAuthentication",
    meanwhile:
      "sidecars speak mutual TLS with each other and take plaintext beside it; it cannot be made STRICT, and a NetworkPolicy keeps out who must not come",
  },
  {
    kind: "ProxyConfig",
    meanwhile:
      "`spec.mesh.defaultConfig` of the MeshConfig, and the annotation `proxy.istio.io/config` ([injection.md](injection.md#annotations))",
  },
  {
    kind: "RequestAuthentication",
    meanwhile: "no token is verified: applications do it",
  },
  {
    kind: "Telemetry",
    meanwhile:
      "access logs are those of `spec.mesh.accessLogFile`, and each proxy has Envoy's statistics on port 15090",
  },
  {
    kind: "TrafficExtension",
    meanwhile: "Lua by an EnvoyFilter ([envoy-filter.md](envoy-filter.md))",
  },
  { kind: "WasmPlugin", meanwhile: "no module is fetched" },
  {
    kind: "WorkloadGroup",
    meanwhile: "WorkloadEntries, written by hand or by what makes the machines",
  },
];
