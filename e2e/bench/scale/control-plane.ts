/** The control plane as a process of its own, out of a pod: what `scale.ts` measures. */
import { runControlPlane } from "../../../src/main/control-plane.ts";
import { createLog } from "../../../src/util/log.ts";

const [host = "127.0.0.1", ...ports] = process.argv.slice(2);
const [xds = 0, webhook = 0, monitoring = 0] = ports.map(Number);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

await runControlPlane(
  {
    config: {
      mesh: "default",
      namespace: "mesh-system",
      rootNamespace: "mesh-system",
      trustDomain: "cluster.local",
      clusterDomain: "cluster.local",
      gatewayNamespaces: [],
      proxyImage: "none",
      workloadTtlMs: 24 * 3_600_000,
      outboundTrafficPolicy: "ALLOW_ANY",
      accessLogFile: "",
    },
    log: createLog({ component: "control-plane", level: "warn", format: "text" }),
    ports: { xds, webhook, monitoring },
    host,
    drainMs: 100,
  },
  stop.signal,
);
