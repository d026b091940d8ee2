import { golden, partly, type Row, test, works } from "./row.ts";

const PORTS = "sidecar-ports";
const TRAFFIC = "e2e/integration/sidecar.test.ts";
const SEEN = test(TRAFFIC, "a workload reaches what its Sidecar imports");
const LAW = test("src/xds/law.test.ts", "every scope has what it would have");
const BY_DEFAULT =
  "absent or DEFAULT, traffic is captured, also where the pod's interceptionMode is NONE: write captureMode NONE there";

export const sidecar: readonly Row[] = [
  works("SC-01", golden("sidecar", "name: 80/audit.reviews.svc.cluster.local:80"), LAW),
  works(
    "SC-02",
    golden("sidecar", "name: outbound|80||ratings.reviews.svc.cluster.local"),
    LAW,
    SEEN,
  ),
  works("SC-03", golden(PORTS, 'routeConfigName: "3128"')),
  works("SC-04", golden(PORTS, "path: /var/run/mesh.sock"), SEEN),
  partly("SC-05", BY_DEFAULT, golden(PORTS, "name: 127.0.0.2_3306")),
  works("SC-06", golden(PORTS, "destinationPort: 8082")),
  works("SC-07", golden(PORTS, "name: 10.1.0.1_8083")),
  partly("SC-08", BY_DEFAULT, golden(PORTS, "name: 10.1.0.9_9999")),
  works(
    "SC-09",
    golden(PORTS, "path: /var/run/app.sock"),
    test(TRAFFIC, "what comes to a workload goes where"),
  ),
  works("SC-10", golden(PORTS, "name: file-cert:/etc/certs/cert.pem~/etc/certs/key.pem")),
  works("SC-11", golden(PORTS, "maxRequests: 50")),
  works("SC-12", golden("sidecar", "name: block_all"), SEEN),
  works("SC-13", golden("sidecar", "name: allow_any")),
  works("SC-14", golden("sidecar", "name: egress_proxy")),
];
