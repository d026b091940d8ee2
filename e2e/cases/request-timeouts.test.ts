import { test } from "node:test";
import { requestTimeouts } from "../demo/exercises/request-timeouts.ts";
import { exposeBookinfo, ingressClient, openMesh, ownNamespace } from "../harness/case.ts";
import { BOOKINFO, deploy } from "../harness/samples.ts";

test("request timeouts: a slow callee costs no more than the timeout, and retries are made within it", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-timeouts" });
  await deploy(cluster, namespace, [BOOKINFO]);
  await exposeBookinfo(cluster, namespace);
  const ingress = await ingressClient(t, cluster, namespace);
  await requestTimeouts.run({ cluster, namespace, ingress, say: (line) => t.diagnostic(line) });
});
