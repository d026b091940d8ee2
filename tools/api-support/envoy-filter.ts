import { golden, not, partly, type Row, test, works } from "./row.ts";

const SIDECAR = "envoy-filter";
const GATEWAY = "envoy-filter-gateway";
const BAD = "envoy-filter-bad";
const PATCHES = "src/xds/patch/patch.test.ts";
const TRAFFIC = test(
  "e2e/integration/translation-envoy-filter.test.ts",
  "EnvoyFilters add a header, a limit, and a virtual host with a cluster of its own",
);
const ORDER = test(
  PATCHES,
  "filters apply by priority, then by age, in whatever order they arrive",
);

export const envoyFilter: readonly Row[] = [
  partly(
    "EF-01",
    "A targetRef may name a Gateway of the Gateway API; there are no waypoints for one to name a Service.",
    test(PATCHES, "a filter costs what it selects: others' resources stay the very same"),
    golden(BAD, "connectTimeout: 4s"),
  ),
  works("EF-02", ORDER),
  works("EF-03", TRAFFIC, golden(SIDECAR, "name: envoy.filters.network.connection_limit")),
  works("EF-04", TRAFFIC, golden(SIDECAR, "maxDirectResponseBodySizeBytes: 10")),
  works("EF-05", TRAFFIC, golden(SIDECAR, "lbPolicy: RING_HASH")),
  works("EF-06", golden(SIDECAR, "maxRequestBytes: 1000")),
  not(
    "EF-07",
    "The bootstrap is in the pod before anything can be said of it, and one that Envoy refuses would keep the pod from starting; the object's status says so, and annotations set what is asked for most (docs/injection.md).",
  ),
  partly(
    "EF-08",
    "There are no waypoints: a patch for them is left out, and the object's status says so.",
    golden(SIDECAR, "serverName: patched"),
    golden(GATEWAY, "tcpBacklogSize: 512"),
  ),
  partly(
    "EF-09",
    "proxy_version is compared with the release of Istio whose API we read, 1.31.4. Proxies are not asked for metadata: ISTIO_VERSION, CLUSTER_ID, NAMESPACE and SERVICE_ACCOUNT are known of each pod, and a patch that asks for anything else is left out with a word in the status; workloadSelector does it instead.",
    golden(GATEWAY, "name: envoy.filters.http.compressor"),
  ),
  works("EF-10", TRAFFIC, golden(GATEWAY, "name: envoy.filters.http.compressor")),
  partly(
    "EF-11",
    "The CustomResourceDefinition has no transport_socket, so the API server drops it.",
    golden(SIDECAR, "transportSocketConnectTimeout: 5s"),
  ),
  works("EF-12", golden(SIDECAR, "initialReadBufferSize: 512")),
  works("EF-13", golden(GATEWAY, "name: http.8080/health.example.com:80")),
  works("EF-14", golden(SIDECAR, "requestHeadersToRemove: - x-internal")),
  works("EF-15", golden(SIDECAR, "connectTimeout: 3s")),
  not(
    "EF-16",
    "There are no waypoints: a patch for them is left out, and the object's status says so.",
  ),
  works(
    "EF-17",
    TRAFFIC,
    golden(SIDECAR, "name: envoy.filters.http.csrf"),
    test(
      "src/proto/reflect/reflect.test.ts",
      "an Any of the same type merges, one of another type replaces",
    ),
  ),
  works(
    "EF-18",
    test("src/proto/reflect/reflect.test.ts", "may hold what has no codec, in either spelling"),
    golden(SIDECAR, "name: envoy.filters.network.connection_limit"),
  ),
  works("EF-19", golden(SIDECAR, "name: envoy.filters.http.rbac")),
  not(
    "EF-20",
    "Proxies have the clusters of everything that they may see, so there is nothing to keep.",
  ),
];
