import { golden, not, partly, type Row, test, works } from "./row.ts";

const TRAFFIC = "e2e/integration/translation-gateway.test.ts";
const EDGE = "e2e/integration/translation-edge.test.ts";
const FINDINGS = "src/model/findings.test.ts";
const ROUTING = "src/xds/gateway-routing.test.ts";

export const gateway: readonly Row[] = [
  works("GW-01", golden("gateway-http", "name: 0.0.0.0_8443")),
  partly(
    "GW-02",
    "The label that switches the translation off is not read: a server listens on its own number wherever no Service that selects the gateway's pods has that port, so leave the port out of the Service.",
    golden("gateway-https", "name: 0.0.0.0_15432"),
    test(TRAFFIC, "a gateway routes what comes by plain HTTP"),
  ),
  works("GW-03", golden("gateway-http", "routeConfigName: http.8443")),
  works("GW-04", golden("gateway-https", "routeConfigName: https.8443.mutual.edge.edge")),
  works("GW-05", golden("stream-routes", "name: 0.0.0.0_27017")),
  works("GW-06", golden("gateway-https", "routeConfigName: https.8443.mutual.edge.edge")),
  not(
    "GW-07",
    "Deprecated, and Istio ignores it too: a server listens on the targetPort that the gateway's Service gives its port.",
  ),
  works(
    "GW-08",
    golden("gateway-sockets", "name: 127.0.0.1_8080"),
    golden("gateway-sockets", "path: /run/mesh/edge_1.sock"),
    golden("gateway-sockets", "routeConfigName: http.8080.127.0.0.1"),
    test(EDGE, "what no routing takes goes to the default endpoint"),
  ),
  works("GW-09", golden("gateway-sockets", "statPrefix: inner")),
  works(
    "GW-10",
    golden("gateway-https", "serverNames: - shop.example.com"),
    test(ROUTING, "a server for routing of one namespace takes no other's"),
    test(ROUTING, "servers that share a port each take the routing of their hosts"),
  ),
  works(
    "GW-11",
    golden("gateway-sockets", "name: default-endpoint"),
    golden("gateway-sockets", "cluster: local|127.0.0.1:6380"),
    test(EDGE, "what no routing takes goes to the default endpoint"),
  ),
  works("GW-12", golden("gateway-http", "requireTls: ALL")),
  works("GW-13", golden("gateway-https", "serverNames: - one.db.example.com")),
  works(
    "GW-14",
    golden("gateway-https", "name: kubernetes://shop-cert"),
    test(TRAFFIC, "a gateway ends TLS"),
  ),
  works(
    "GW-15",
    golden("gateway-https", "requireClientCertificate: true"),
    test(EDGE, "servers let in whom their clients' certificates say"),
  ),
  works(
    "GW-16",
    golden("gateway-certificates", "name: kubernetes://ecdsa-cacert"),
    test(EDGE, "servers let in whom their clients' certificates say"),
  ),
  works(
    "GW-17",
    golden(
      "gateway-certificates",
      "matcher: prefix: spiffe://cluster.local/ sanType: URI validationContextSdsSecretConfig: name: ROOTCA",
    ),
  ),
  works(
    "GW-18",
    golden("gateway-east-west", 'serverNames: - "*.default.svc.cluster.local"'),
    golden("gateway-east-west", "name: outbound_.80_.v1_.shop.default.svc.cluster.local"),
    test(EDGE, "the mesh's own TLS is passed on to the service that its greeting names"),
  ),
  works(
    "GW-19",
    golden("gateway-certificates", "name: file-cert:/etc/certs/tls.crt~/etc/certs/tls.key"),
  ),
  works(
    "GW-20",
    golden("gateway-certificates", "name: file-cert:/etc/certs/rsa.crt~/etc/certs/rsa.key"),
    golden("gateway-certificates", "name: file-cert:/etc/certs/ecdsa.crt~/etc/certs/ecdsa.key"),
  ),
  works(
    "GW-21",
    golden("gateway-certificates", "name: file-root:/etc/certs/ca.crt~/etc/certs/ca.crl"),
    golden("gateway-certificates", "crl: filename: /etc/certs/ca.crl"),
  ),
  partly(
    "GW-22",
    "Secrets of the gateway's own namespace, with kubernetes:// before the name or without. Of other forms the status says that the server is not opened (MESH0116): configmap:// and kubernetes-gateway:// would need a Secret instead, and sds:// and builtin:// name servers of secrets beside the proxy, of which a mesh without agent has none.",
    golden("gateway-https", "name: kubernetes://shop-cert"),
    golden("gateway-certificates", "name: kubernetes://ecdsa"),
  ),
  works(
    "GW-23",
    golden(
      "gateway-certificates",
      "- name: kubernetes://rsa sdsConfig: ads: {} initialFetchTimeout: 0s resourceApiVersion: V3 - name: kubernetes://ecdsa",
    ),
  ),
  works(
    "GW-24",
    golden("gateway-https", "name: kubernetes://shop-cert-cacert"),
    golden("gateway-certificates", "name: kubernetes://clients-cacert"),
  ),
  works(
    "GW-25",
    golden("gateway-https", "exact: client.example.com sanType: DNS"),
    test(EDGE, "servers let in whom their clients' certificates say"),
  ),
  works(
    "GW-26",
    golden("gateway-certificates", "verifyCertificateHash: - "),
    golden("gateway-certificates", "verifyCertificateSpki: - "),
  ),
  works(
    "GW-27",
    golden(
      "gateway-certificates",
      "tlsMaximumProtocolVersion: TLSv1_3 tlsMinimumProtocolVersion: TLSv1_1",
    ),
  ),
  partly(
    "GW-28",
    "cipherSuites works; ecdhCurves is not in the schema of the CRD at the version that is installed, so no object can carry it.",
    golden("gateway-https", "cipherSuites: - ECDHE-ECDSA-AES128-GCM-SHA256"),
  ),
  partly(
    "GW-29",
    "Whoever has signed it, a client's certificate is taken. Envoy asks for one and, told to trust anybody, does not insist: leave insecureSkipVerify out where a certificate must be shown.",
    golden("gateway-certificates", "trustChainVerification: ACCEPT_UNTRUSTED"),
    test(EDGE, "servers let in whom their clients' certificates say"),
  ),
  works(
    "GW-30",
    golden("mesh-settings", "xffNumTrustedHops: 2"),
    golden("gateway-https", "transportSocketConnectTimeout: 15s"),
    golden("gateway-https", "useRemoteAddress: true"),
    golden("gateway-https", "forwardClientCertDetails: SANITIZE_SET"),
  ),
  not(
    "GW-31",
    "Off in Istio unless a flag is set. HTTP/3 needs UDP ports, and those that a MeshConfig gives its gateways' Services are TCP: clients are served by HTTP/2 and HTTP/1.1.",
  ),
  works("GW-32", test(FINDINGS, "two gateways may share a port for one protocol and one only")),
  works("GW-33", test(TRAFFIC, "a gateway routes what comes by plain HTTP")),
];
