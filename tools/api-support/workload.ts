import { golden, not, partly, type Row, works } from "./row.ts";

const STORY = "service-entries";
const NO_AGENT =
  "a workload outside of Kubernetes registers itself through an agent beside its proxy, and there is no agent here: write its WorkloadEntry by hand or let the tool that makes the machine write it";

export const workload: readonly Row[] = [
  works("WE-01", golden(STORY, "address: 198.51.100.9"), golden(STORY, "path: /run/lists.sock")),
  works("WE-02", golden(STORY, "address: 198.51.100.20 portValue: 9999")),
  works("WE-03", golden(STORY, "clusterName: ?80|v1|lists.example.com")),
  partly(
    "WE-04",
    "the network is read, and all networks are taken to be one until several clusters make one mesh: give addresses that can be reached",
    golden(STORY, "address: 198.51.100.2 portValue: 9080"),
  ),
  works("WE-05", golden(STORY, 'region: here subZone: "1" zone: north')),
  works("WE-06", golden(STORY, "address: 198.51.100.1 portValue: 8080 loadBalancingWeight: 3")),
  works("WE-07", golden(STORY, "exact: spiffe://cluster.local/ns/default/sa/vm")),
  not("WE-08", NO_AGENT),
  not("WE-09", NO_AGENT),
  not("WE-10", NO_AGENT),
  not(
    "WE-11",
    "without an agent nobody probes a workload outside of Kubernetes: whoever watches it sets the condition Healthy of its WorkloadEntry, and one that is False takes it out of every service",
  ),
];
