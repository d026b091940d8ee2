import { test } from "node:test";
import { requestRouting } from "../demo/exercises/request-routing.ts";
import { exposeBookinfo, ingressClient, openMesh, ownNamespace } from "../harness/case.ts";
import { BOOKINFO, deploy } from "../harness/samples.ts";

test("request routing: jason gets reviews v2 and everyone else v1, also while routes change", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-routing" });
  await deploy(cluster, namespace, [BOOKINFO]);
  await exposeBookinfo(cluster, namespace);
  const ingress = await ingressClient(t, cluster, namespace);
  await requestRouting.run({ cluster, namespace, ingress, say: (line) => t.diagnostic(line) });
});
