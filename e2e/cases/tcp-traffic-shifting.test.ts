import { test } from "node:test";
import { tcpTrafficShifting } from "../demo/exercises/tcp-traffic-shifting.ts";
import { openMesh, ownNamespace } from "../harness/case.ts";

test("TCP traffic shifting: each version gets the share of connections that its weight says", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-tcp-shifting" });
  await tcpTrafficShifting.run({ cluster, namespace, say: (line) => t.diagnostic(line) });
});
