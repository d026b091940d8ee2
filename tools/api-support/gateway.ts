import { golden, not, partly, type Row, test, works } from "./row.ts";

const TRAFFIC = "e2e/integration/translation-gateway.test.ts";
const FINDINGS = "src/model/findings.test.ts";

export const gateway: readonly Row[] = [
  works("GW-01", golden("gateway-http", "name: 0.0.0.0_8443")),
  works("GW-02", golden("gateway-https", "name: 0.0.0.0_15432")),
  works("GW-03", golden("gateway-http", "routeConfigName: http.8443")),
  works("GW-04", golden("gateway-https", "routeConfigName: https.8443.mutual.edge.edge")),
  works("GW-05", golden("stream-routes", "name: 0.0.0.0_27017")),
  works("GW-06", golden("gateway-https", "routeConfigName: https.8443.mutual.edge.edge")),
  not(
    "GW-07",
    "Deprecated, and Istio ignores it too: a server listens on the targetPort that the gateway's Service gives its port.",
  ),
  not("GW-08", "not yet"),
  not("GW-09", "not yet"),
  works("GW-10", golden("gateway-https", "serverNames: - shop.example.com")),
  not("GW-11", "not yet"),
  works("GW-12", golden("gateway-http", "requireTls: ALL")),
  works("GW-13", golden("gateway-https", "serverNames: - one.db.example.com")),
  works(
    "GW-14",
    golden("gateway-https", "name: kubernetes://shop-cert"),
    test(TRAFFIC, "a gateway ends TLS"),
  ),
  works("GW-15", golden("gateway-https", "requireClientCertificate: true")),
  not("GW-16", "not yet"),
  not("GW-17", "not yet"),
  not("GW-18", "not yet"),
  not("GW-19", "not yet"),
  not("GW-20", "not yet"),
  not("GW-21", "not yet"),
  partly("GW-22", "not yet", golden("gateway-https", "name: kubernetes://shop-cert")),
  not("GW-23", "not yet"),
  partly("GW-24", "not yet", golden("gateway-https", "name: kubernetes://shop-cert-cacert")),
  works("GW-25", golden("gateway-https", "exact: client.example.com sanType: DNS")),
  not("GW-26", "not yet"),
  works("GW-27", golden("gateway-https", "tlsMinimumProtocolVersion: TLSv1_3")),
  partly(
    "GW-28",
    "not yet",
    golden("gateway-https", "cipherSuites: - ECDHE-ECDSA-AES128-GCM-SHA256"),
  ),
  not("GW-29", "not yet"),
  works("GW-30", golden("gateway-https", "transportSocketConnectTimeout: 15s")),
  not("GW-31", "not yet"),
  works("GW-32", test(FINDINGS, "two gateways may share a port for one protocol and one only")),
  works("GW-33", test(TRAFFIC, "a gateway routes what comes by plain HTTP")),
];
