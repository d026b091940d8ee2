import { golden, not, partly, type Row, test, works } from "./row.ts";

const TRAFFIC = "e2e/integration/translation.test.ts";

export const listener: readonly Row[] = [
  works("LS-01", test("src/model/port-protocol.test.ts", "speaks ${want}")),
  works("LS-02", golden("full-routing", "name: virtualOutbound-blackhole")),
  works(
    "LS-03",
    golden("full-routing", "name: 10.96.0.1_9000"),
    test(TRAFFIC, "every protocol goes through both proxies"),
    golden("conflicts", "cluster: outbound|3306||b-older.example.com"),
    test(
      "src/model/listener-findings.test.ts",
      "of two that are bytes at one address the younger is told",
    ),
  ),
  works(
    "LS-04",
    golden("full-routing", "name: virtualInbound-blackhole"),
    test(TRAFFIC, "plaintext from outside"),
  ),
  works("LS-05", golden("kinds-of-services", "name: inbound|http|80")),
  partly(
    "LS-06",
    "the order is Istio's: alpn, fault, CORS, dynamic forward proxy, router; filters of security and telemetry come with those, and EnvoyFilters put theirs where they say",
    golden("full-routing", "- name: envoy.filters.http.fault"),
  ),
  partly(
    "LS-07",
    "tcp_proxy comes last; Envoy has left mongo, mysql and redis statistics to contrib, so such ports are bytes, and filters of security and telemetry come with those",
    golden("full-routing", "- name: envoy.filters.network.tcp_proxy"),
  ),
  works("LS-08", golden("full-routing", "upgradeConfigs: - upgradeType: websocket")),
  not(
    "LS-09",
    "it is for waypoints and gateways of the Gateway API, which there are none of yet: select by labels",
  ),
  not("LS-10", "planned: the Gateway API has a lowering of its own"),
  not("LS-11", "planned with the Gateway API: write a Gateway and a VirtualService"),
  partly(
    "LS-12",
    "there is no agent whose DNS proxy would read a table of names, so none is sent: pods that ask for it have their queries answered by the control plane, see docs/dns.md",
    test(
      "e2e/integration/dns.test.ts",
      "a host that no DNS knows is found and reached, and comes and goes with its object",
    ),
  ),
  not("LS-13", "there is no ambient mode: the data plane is Envoy as a sidecar or gateway"),
];
