import { test } from "node:test";
import { trafficShifting } from "../demo/exercises/traffic-shifting.ts";
import { exposeBookinfo, ingressClient, openMesh, ownNamespace } from "../harness/case.ts";
import { BOOKINFO, deploy } from "../harness/samples.ts";

test("traffic shifting: each version gets the share that its weight says", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-shifting" });
  await deploy(cluster, namespace, [BOOKINFO]);
  await exposeBookinfo(cluster, namespace);
  const ingress = await ingressClient(t, cluster, namespace);
  await trafficShifting.run({ cluster, namespace, ingress, say: (line) => t.diagnostic(line) });
});
