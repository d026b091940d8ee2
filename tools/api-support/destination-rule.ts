import { golden, not, partly, type Row, test, works } from "./row.ts";

const ENDPOINTS = "src/xds/load-assignment.test.ts";
const MERGE = "src/model/merge.test.ts";
const LOCALITY = "src/xds/locality.test.ts";
const BALANCING = "e2e/integration/balancing.test.ts";
const OUTSIDE = "e2e/integration/outside.test.ts";
const BREAKING = "e2e/cases/circuit-breaking.test.ts";

export const destinationRule: readonly Row[] = [
  works(
    "DR-01",
    golden("visibility", "connectTimeout: 3s"),
    test("src/model/policy.test.ts", "for clients in the root namespace"),
  ),
  works(
    "DR-02",
    golden("policy-groups", "outbound|80|v2|shop.default.svc.cluster.local"),
    test(MERGE, "rules for a host give it the oldest policy"),
  ),
  works(
    "DR-03",
    golden("policy-groups", "lbPolicy: RING_HASH name: outbound|81||by-query.default."),
    golden("policy-groups", "lbPolicy: LEAST_REQUEST name: outbound|81||by-query.default."),
    test(MERGE, "rules for a host give it the oldest policy"),
  ),
  works(
    "DR-04",
    golden("policy-groups", "lbPolicy: MAGLEV maglevLbConfig: tableSize: 5003"),
    test(MERGE, "rules that select clients are apart"),
  ),
  works("DR-05", golden("request-routing", "name: outbound|9080|v1|reviews")),
  works("DR-06", test(ENDPOINTS, "a subset's endpoints carry all its labels")),
  works(
    "DR-07",
    golden("request-routing", "lbPolicy: ROUND_ROBIN"),
    golden("policy-groups", "sni: outbound_.80_.v2_.shop.default.svc.cluster.local"),
  ),
  works(
    "DR-08",
    golden("full-policy", "sni: db.example.com"),
    golden("policy-groups", "maxConnections: 8 "),
  ),
  works("DR-09", golden("full-policy", "lbPolicy: LEAST_REQUEST")),
  works("DR-10", golden("request-routing", "lbPolicy: RANDOM")),
  works(
    "DR-11",
    golden(
      "policy-groups",
      "name: outbound|81||by-client.default.svc.cluster.local type: ORIGINAL_DST",
    ),
  ),
  works("DR-12", golden("policy-groups", "hashPolicy: - header: headerName: x-user")),
  works(
    "DR-13",
    golden("policy-groups", "name: at path: / ttl: 60s"),
    test(BALANCING, "a cookie keeps a client at its endpoint"),
  ),
  works(
    "DR-14",
    golden("policy-groups", "hashPolicy: - sourceIp: {}"),
    golden("policy-groups", "connectionProperties: sourceIp: true"),
    test(BALANCING, "connections from one address go to one endpoint"),
  ),
  works(
    "DR-15",
    golden("policy-groups", "queryParameter: name: user"),
    test(BALANCING, "a key has its endpoint"),
  ),
  works(
    "DR-16",
    golden("policy-groups", "ringHashLbConfig: minimumRingSize: 2048"),
    test(BALANCING, "a key has its endpoint"),
  ),
  works(
    "DR-17",
    golden("policy-groups", "maglevLbConfig: tableSize: 5003"),
    test(BALANCING, "a key has its endpoint"),
  ),
  not(
    "DR-18",
    "no released CustomResourceDefinition of Istio has the field yet, so the API server drops it; use LEAST_REQUEST, which also follows how busy endpoints are",
  ),
  works("DR-19", golden("full-policy", "slowStartWindow: 30s")),
  works(
    "DR-20",
    golden(
      "locality",
      "clusterName: 80||disabled.default. endpoints: - lbEndpoints: - endpoint: address: socketAddress: address: 10.244.0.3",
    ),
  ),
  works(
    "DR-21",
    golden("locality", "loadBalancingWeight: 70000"),
    test(BALANCING, "places get the shares"),
  ),
  works(
    "DR-22",
    golden("locality", "region: east zone: a priority: 3"),
    test(BALANCING, "the next place serves while a nearer one fails"),
  ),
  works(
    "DR-23",
    golden("locality", "outbound|80||labels.default.svc.cluster.local"),
    test(LOCALITY, "labels are compared in their order"),
  ),
  not(
    "DR-24",
    "Envoy weighs zones itself only if its bootstrap names the zone it runs in, and that is written before the pod has a node; failover and failoverPriority of the setting hold, so add outlierDetection, or set trafficDistribution on the Service",
  ),
  works(
    "DR-25",
    golden("locality", "outbound|80||zone-aware.default.svc.cluster.local"),
    test(LOCALITY, "labels are compared in their order"),
  ),
  works(
    "DR-26",
    golden("locality", "outbound|80||same-zone.default.svc.cluster.local"),
    test(BALANCING, "a service that prefers the same node is reached there"),
  ),
  works("DR-27", golden("full-policy", "maxConnections: 1 "), test(BREAKING, "circuit breaking:")),
  works("DR-28", golden("full-policy", "connectTimeout: 0.25s")),
  works("DR-29", golden("full-policy", "keepaliveInterval: 5 keepaliveProbes: 3")),
  works("DR-30", golden("full-policy", "maxConnectionDuration: 7200s")),
  works(
    "DR-31",
    golden("policy-groups", "commonHttpProtocolOptions: idleTimeout: 600s"),
    golden("policy-groups", "idleTimeout: 600s maxDownstreamConnectionDuration: 3600s"),
  ),
  works("DR-32", golden("full-policy", "maxPendingRequests: 1 ")),
  works("DR-33", golden("full-policy", "maxRequests: 100")),
  works("DR-34", golden("full-policy", "maxRequestsPerConnection: 10")),
  works("DR-35", golden("full-policy", "maxRetries: 4 ")),
  works("DR-36", golden("full-policy", "idleTimeout: 30s")),
  works("DR-37", golden("full-policy", "explicitHttpConfig: http2ProtocolOptions:")),
  works("DR-38", golden("full-policy", "useDownstreamProtocolConfig:")),
  works("DR-39", golden("full-policy", "maxConcurrentStreams: 5")),
  works("DR-40", golden("full-policy", "connectionKeepalive: interval: 10s")),
  works("DR-41", golden("full-policy", "trackRemaining: true")),
  works("DR-42", golden("full-policy", "retryBudget: budgetInterval: 10s")),
  works("DR-43", golden("full-policy", "consecutive5xx: 5"), test(BREAKING, "circuit breaking:")),
  works("DR-44", golden("full-policy", "enforcingConsecutiveGatewayFailure: 0")),
  works("DR-45", golden("policy-groups", "consecutive5xx: 7")),
  works(
    "DR-46",
    golden("full-policy", "baseEjectionTime: 30s"),
    test(BALANCING, "the next place serves while a nearer one fails"),
  ),
  works("DR-47", golden("full-policy", "healthyPanicThreshold: value: 50")),
  works("DR-48", golden("full-policy", "splitExternalLocalOriginErrors: true")),
  works("DR-49", golden("full-policy", "consecutiveLocalOriginFailure: 2")),
  works("DR-50", golden("full-policy", "errorMatcher:")),
  works(
    "DR-51",
    golden("full-policy", "enforcingSuccessRate: 0"),
    golden(
      "mesh-settings",
      "outlierDetection: consecutive5xx: 6 enforcingConsecutive5xx: 100 enforcingSuccessRate: 0",
    ),
  ),
  works(
    "DR-52",
    golden("policy-groups", "name: outbound|8080|v1|shop.default.svc.cluster.local type: EDS"),
  ),
  works("DR-53", golden("full-policy", "sni: db.example.com")),
  partly(
    "DR-54",
    "where no endpoint of a ServiceEntry names its serviceAccount, the server's identity must be of the entry's namespace, while Istio takes any of the mesh: name one of another namespace in subjectAltNames, of the rule's tls or of the entry; endpoints with a serviceAccount narrow it to that account of the entry's namespace",
    golden("policy-groups", "sni: outbound_.80_.v2_.shop.default.svc.cluster.local"),
    test("src/xds/cluster/tls.test.ts", "a server whose identity nobody knows is of"),
  ),
  works(
    "DR-55",
    golden("full-policy", "file-cert:/etc/c.pem~/etc/k.pem"),
    test(OUTSIDE, "a client's proxy opens TLS"),
  ),
  works(
    "DR-56",
    golden("full-policy", "file-root:/etc/ca.pem"),
    test(OUTSIDE, "a client's proxy opens TLS"),
  ),
  partly(
    "DR-57",
    "at gateways; a sidecar is sent no Secret, as the control plane may read none outside the namespaces of gateways: mount it into the pod and name its files in clientCertificate, privateKey and caCertificates",
    golden("gateway-https", "name: kubernetes://shop-cert"),
  ),
  works(
    "DR-58",
    golden("full-policy", "exact: db.example.com"),
    test(OUTSIDE, "a server with another name is refused"),
  ),
  works(
    "DR-59",
    golden("full-policy", "sni: db.example.com"),
    test(OUTSIDE, "without a name in the rule the server must be"),
  ),
  works(
    "DR-60",
    golden("full-policy", "autoSni: true"),
    test(OUTSIDE, "whoever asks for no check gets none"),
  ),
  works(
    "DR-61",
    golden("policy-groups", "crl: filename: /etc/crl.pem"),
    test(OUTSIDE, "a server whose certificate is revoked is refused"),
  ),
  works(
    "DR-62",
    golden("kinds-of-services", "name: tlsMode-istio"),
    test(
      "e2e/integration/mutual-endpoints.test.ts",
      "endpoints turn from plaintext to mutual TLS and back under load",
    ),
  ),
  works(
    "DR-63",
    golden("policy-groups", "tunnelingConfig: hostname: db.example.com:5432"),
    test(OUTSIDE, "connections go through a proxy"),
  ),
  works(
    "DR-64",
    golden("full-policy", "config: version: V2"),
    test(OUTSIDE, "a server learns by the proxy protocol"),
  ),
  works(
    "DR-65",
    golden("locality", "serviceName: 80||node-local"),
    test(ENDPOINTS, "of a service whose traffic stays on its node"),
  ),
];
