import { golden, not, partly, type Row, test, works } from "./row.ts";

export const proxyConfig: readonly Row[] = [
  not(
    "MP-03",
    "the proxy drains as long as its pod has to end: a gateway's drainSeconds, a sidecar's pod's grace period",
  ),
  partly(
    "MP-11",
    "REDIRECT, and NONE by the pod's annotation: such a pod takes no mutual TLS unless its label security.istio.io/tlsMode says istio; TPROXY needs more of the kernel than a pod without privileges has",
    test("src/inject/pod/sidecar.test.ts", "a pod without capture is reached and probed"),
    test(
      "src/inject/pod/sidecar.test.ts",
      "what cannot be done, but need not stop the pod, is a warning",
    ),
  ),
  works("MP-18", golden("mesh-settings", "xffNumTrustedHops: 2")),
  works("MP-19", golden("mesh-settings", "forwardClientCertDetails: APPEND_FORWARD")),
  works("MP-20", golden("mesh-settings", "name: envoy.filters.listener.proxy_protocol")),
  works(
    "MP-27",
    golden("mesh-settings", "forwardClientCertDetails: SANITIZE"),
    golden("mesh-settings", "setCurrentClientCertDetails: chain: true subject: true"),
  ),
  works("MP-28", golden("mesh-settings", "generateRequestId: false")),
  works(
    "MP-29",
    golden("mesh-settings", "serverName: shop"),
    golden("mesh-edge", "serverHeaderTransformation: PASS_THROUGH"),
  ),
  works(
    "MP-30",
    test(
      "src/model/mesh-settings.test.ts",
      "attempts are not counted where the mesh does not want it",
    ),
  ),
  works("MP-31", golden("mesh-settings", "suppressEnvoyHeaders: true")),
  works("MP-33", golden("mesh-settings", "name: preserve_case")),
  works(
    "MP-34",
    golden("mesh-settings", "appendXForwardedHost: true"),
    golden("mesh-settings", "appendXForwardedPort: true"),
  ),
  works(
    "MP-37",
    golden("mesh-edge", "maxConcurrentStreams: 100"),
    golden("mesh-edge", "requestHeadersTimeout: 60s"),
  ),
  works("MP-38", golden("mesh-edge", "perConnectionBufferLimitBytes: 65536")),
  works("MP-39", golden("mesh-edge", "perConnectionBufferLimitBytes: 131072")),
  works(
    "MP-40",
    golden("mesh-edge", "maxConnectionDuration: 3600s"),
    golden("mesh-edge", "idleTimeout: 120s"),
    golden("mesh-edge", "maxStreamDuration: 600s"),
  ),
  works(
    "MP-41",
    golden("mesh-edge", "drainTimeout: 9s"),
    golden("mesh-edge", "requestTimeout: 31s"),
    golden("mesh-edge", "streamIdleTimeout: 300s"),
  ),
  works(
    "MP-42",
    golden("mesh-edge", "initialStreamWindowSize: 131072"),
    golden("mesh-edge", "initialConnectionWindowSize: 1048576"),
  ),
  works("MP-43", golden("mesh-edge", "headersWithUnderscoresAction: DROP_HEADER")),
  works(
    "MP-44",
    golden("mesh-edge", "pathWithEscapedSlashesAction: REJECT_REQUEST"),
    golden("mesh-edge", "mergeSlashes: true"),
  ),
  partly(
    "MP-45",
    "of the connections that one server of a gateway takes, in each proxy; servers of one port count apart",
    golden("mesh-edge", "maxConnections: 5000"),
  ),
  not(
    "MP-46",
    "the bootstrap bounds all connections by the memory limit of the proxy, which is what gives out",
  ),
];

/** Rows about injection, telemetry, certificates and the bootstrap: traffic goes the same way. */
export const proxyConfigElsewhere: readonly string[] = [
  "MP-01",
  "MP-02",
  ...numbered(4, 10),
  ...numbered(12, 17),
  ...numbered(21, 26),
  "MP-32",
  "MP-35",
  "MP-36",
];

function numbered(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `MP-${String(from + i).padStart(2, "0")}`);
}
