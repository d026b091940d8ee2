import { golden, not, partly, type Row, test, works } from "./row.ts";

export const meshConfig: readonly Row[] = [
  not(
    "MC-01",
    "the port by which capture hands over outgoing connections is 15001: capture rules, listeners and probes agree on it, and a pod has an address of its own",
  ),
  not("MC-02", "the port by which capture hands over incoming connections is 15006, as for MC-01"),
  not(
    "MC-03",
    "ask for a listener of protocol HTTP_PROXY in a Sidecar instead, which says what it is for",
  ),
  works("MC-04", golden("mesh-settings", "connectTimeout: 7s")),
  not("MC-05", "there is no HBONE: sidecars speak mutual TLS"),
  works("MC-06", golden("mesh-settings", "listenerFiltersTimeout: 5s")),
  works("MC-07", golden("mesh-settings", "keepaliveProbes: 9")),
  not("MC-08", "Ingress objects are not served yet: write a Gateway and a VirtualService"),
  works("MC-10", golden("mesh-settings", "inlineString:"), golden("mesh-edge", "jsonFormat:")),
  not("MC-12", "there is no log of connections that fit no filter chain, so none to switch off"),
  partly(
    "MC-13",
    "for the whole mesh, and of what the rows MP say; of the annotation proxy.istio.io/config concurrency, interceptionMode, proxyStatsMatcher and ISTIO_META_DNS_CAPTURE are followed, and of the rest whoever creates the pod is warned",
    golden("mesh-settings", "xffNumTrustedHops: 2"),
    test(
      "src/inject/pod/proxy-config.test.ts",
      "threads, statistics and capture are the pod's own",
    ),
  ),
  works(
    "MC-14",
    golden("mesh-edge", "name: block_all"),
    golden("mesh-settings", "name: allow_any"),
  ),
  not(
    "MC-15",
    "ALLOW_ANY_DYNAMIC_DNS is not offered: a ServiceEntry with a wildcard host and resolution DYNAMIC_DNS does it for the names you choose",
  ),
  works("MC-16", golden("mesh-edge", "address: 127.0.0.1")),
  not("MC-17", "configuration is read from the API server alone"),
  works(
    "MC-18",
    golden("kinds-of-services", "name: tlsMode-istio"),
    golden("mesh-edge", "name: outbound|80||web.shop.svc.cluster.local"),
  ),
  works(
    "MC-21",
    test("src/model/mesh-settings.test.ts", "objects that do not say to whom they are exported"),
  ),
  works("MC-22", golden("visibility", "connectTimeout: 3s")),
  partly(
    "MC-23",
    "localityLbSetting; zoneAwareLbSetting does not, for the reason that DR-24 has",
    test("src/xds/locality.test.ts", "a rule says where requests go"),
  ),
  works("MC-24", golden("mesh-settings", "dnsRefreshRate: 15s")),
  works(
    "MC-25",
    test("src/model/mesh-settings.test.ts", "an upgrade for all is refused by a rule for one"),
  ),
  works(
    "MC-26",
    golden("mesh-settings", "altStatName: out_web.shop.svc.cluster.local_any_v1;"),
    golden("mesh-settings", "altStatName: in_web.shop_80_8080;"),
  ),
  not(
    "MC-27",
    "Istio does not read it either: certificates of the control plane are its own affair",
  ),
  not("MC-28", "there is one cluster, so every host is local to it"),
  not("MC-29", "it is for ambient meshes of several clusters"),
  not("MC-50", "credentials are Secrets, or files of the proxy"),
  not(
    "MC-52",
    "all namespaces are watched; exportTo, Sidecars and defaultServiceExportTo say what is seen",
  ),
  works(
    "MC-53",
    golden("mesh-settings", "mergeSlashes: true"),
    golden("mesh-edge", "normalizePath: false"),
  ),
  works(
    "MC-54",
    golden("mesh-settings", "numRetries: 4"),
    golden("mesh-settings", "retryOn: reset-before-request,retriable-status-codes"),
  ),
  works("MC-55", golden("mesh-settings", "ecdhCurves: - P-256")),
  works("MC-56", golden("mesh-settings", "ecdhCurves: - X25519 - P-384")),
  works(
    "MC-57",
    golden("mesh-settings", "maxConnections: 500"),
    golden("mesh-settings", "consecutive5xx: 6"),
  ),
  not(
    "MC-58",
    "exportTo of a ServiceEntry, and defaultServiceExportTo for those that say nothing, decide who sees it",
  ),
];

/** Rows about telemetry, security and the control plane itself: no traffic goes another way by them. */
export const meshConfigElsewhere: readonly string[] = [
  "MC-09",
  "MC-11",
  ...numbered(19, 20),
  ...numbered(30, 49),
  "MC-51",
];

function numbered(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `MC-${String(from + i).padStart(2, "0")}`);
}
