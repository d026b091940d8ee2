import { golden, type Row, test, works } from "./row.ts";

const STORY = "service-entries";
const OUTSIDE = "e2e/integration/external-services.test.ts";
const TRAFFIC = "hosts outside are reached as they resolve";

export const serviceEntry: readonly Row[] = [
  works("SE-01", golden(STORY, "name: 80/*.example.org:80")),
  works(
    "SE-02",
    golden(STORY, "name: 192.0.2.10_5432"),
    golden(STORY, "addressPrefix: 192.0.2.0 prefixLen: 28"),
  ),
  works(
    "SE-03",
    test(
      "e2e/integration/feedback.test.ts",
      "hosts without addresses get some, which stay over restarts and go when they are not wanted",
    ),
    test(OUTSIDE, TRAFFIC),
    test(
      "e2e/integration/dns.test.ts",
      "a host that no DNS knows is found and reached, and comes and goes with its object",
    ),
  ),
  works("SE-04", golden(STORY, "name: 0.0.0.0_5672")),
  works("SE-05", golden(STORY, "upstreamPortOverride: 8443")),
  works("SE-06", golden(STORY, "name: outbound|6000||store.example.com type: EDS")),
  works(
    "SE-07",
    golden(STORY, "name: outbound|80||www.example.com type: ORIGINAL_DST"),
    test(OUTSIDE, TRAFFIC),
  ),
  works("SE-08", golden(STORY, "clusterName: ?80|v1|lists.example.com"), test(OUTSIDE, TRAFFIC)),
  works(
    "SE-09",
    golden(STORY, "address: west.names.example.com portValue: 8443"),
    test(OUTSIDE, TRAFFIC),
  ),
  works("SE-10", golden(STORY, "type: LOGICAL_DNS"), test(OUTSIDE, TRAFFIC)),
  works(
    "SE-11",
    golden(STORY, "name: envoy.filters.http.dynamic_forward_proxy"),
    golden(STORY, "name: envoy.filters.network.sni_dynamic_forward_proxy"),
  ),
  works("SE-12", golden(STORY, "path: /run/lists.sock")),
  works("SE-13", golden(STORY, "address: 198.51.100.9 portValue: 8081")),
  works("SE-14", golden(STORY, "address: 198.51.100.33 portValue: 80")),
  works("SE-15", golden(STORY, "exact: spiffe://cluster.local/ns/vms/sa/lists")),
  works(
    "SE-16",
    test(
      "e2e/integration/feedback.test.ts",
      "hosts without addresses get some, which stay over restarts and go when they are not wanted",
    ),
  ),
];
