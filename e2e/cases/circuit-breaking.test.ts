import { test } from "node:test";
import { circuitBreaking } from "../demo/exercises/circuit-breaking.ts";
import { openMesh, ownNamespace } from "../harness/case.ts";

test("circuit breaking: what is too much is refused at once, who fails is left alone for a while", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-breaking" });
  await circuitBreaking.run({ cluster, namespace, say: (line) => t.diagnostic(line) });
});
