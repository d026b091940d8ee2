import { golden, not, partly, type Row, test, works } from "./row.ts";

const TRAFFIC = "e2e/integration/translation.test.ts";

export const listener: readonly Row[] = [
  works("LS-01", test("src/model/port-protocol.test.ts", "speaks ${want}")),
  works("LS-02", golden("full-routing", "name: virtualOutbound-blackhole")),
  works(
    "LS-03",
    golden("full-routing", "name: 10.96.0.1_9000"),
    test(TRAFFIC, "every protocol goes through both proxies"),
  ),
  works(
    "LS-04",
    golden("full-routing", "name: virtualInbound-blackhole"),
    test(TRAFFIC, "plaintext from outside"),
  ),
  works("LS-05", golden("kinds-of-services", "name: inbound|http|80")),
  partly("LS-06", "not yet", golden("full-routing", "- name: envoy.filters.http.fault")),
  partly("LS-07", "not yet", golden("full-routing", "- name: envoy.filters.network.tcp_proxy")),
  works("LS-08", golden("full-routing", "upgradeConfigs: - upgradeType: websocket")),
  not("LS-09", "not yet"),
  not("LS-10", "not yet"),
  not("LS-11", "not yet"),
  not("LS-12", "not yet"),
  not("LS-13", "not yet"),
];
