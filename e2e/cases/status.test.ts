import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { type Condition, conditionOf } from "../../src/api/conditions.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { openMesh, ownNamespace } from "../harness/case.ts";
import { fetchFromClient } from "../harness/in-pod.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";

const NETWORKING = "/apis/networking.istio.io/v1";
const HTTPBIN_URL = "http://httpbin:8000/get";

const virtualService = (name: string, http: object): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name },
  spec: { hosts: [name], http: [http] },
});

const toHttpbin = [{ destination: { host: "httpbin" } }];

test("the status of an object says what is wrong with it, and nothing else suffers", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-status" });
  await deploy(cluster, namespace, [CLIENT, HTTPBIN]);

  const says = (name: string, type: string, want: string): Promise<Condition> =>
    waitFor(
      { description: `VirtualService ${name} with ${type}=${want}`, deadlineMs: 30_000 },
      async () => {
        const path = `${NETWORKING}/namespaces/${namespace}/virtualservices/${name}`;
        const object =
          await cluster.api.get<KubeObject<unknown, { conditions?: readonly Condition[] }>>(path);
        const found = conditionOf(object?.status?.conditions, type);
        const seen = `${found?.status} ${found?.reason}`;
        const isNew = found?.observedGeneration === object?.metadata.generation;
        if (found === undefined || !isNew || seen !== want) throw new Error(seen);
        return found;
      },
    );
  const apply = (...objects: readonly object[]): Promise<void> =>
    cluster.kubectl.applyText(objects.map((one) => stringify(one)).join("---\n"), namespace);

  await apply(
    virtualService("httpbin", { timeout: "5s", route: toHttpbin }),
    virtualService("lost", { route: [{ destination: { host: "nowhere" } }] }),
    virtualService("bad", { match: [{ uri: { regex: "(unclosed" } }], route: toHttpbin }),
  );
  for (const type of ["Accepted", "ResolvedRefs", "Programmed"])
    await says("httpbin", type, `True ${type}`);
  const lost = await says("lost", "ResolvedRefs", "False DestinationNotFound");
  assert.match(lost.message, /spec\.http\[0\]\.route\[0\]\.destination\.host: .*nowhere/);
  const bad = await says("bad", "Accepted", "False Invalid");
  assert.match(bad.message, /spec\.http\[0\]\.match\[0\]\.uri\.regex: .*RE2/);
  assert.equal((await fetchFromClient(cluster, namespace, { url: HTTPBIN_URL })).status, 200);

  await apply(virtualService("bad", { route: toHttpbin }));
  await says("bad", "Accepted", "True Accepted");
  await apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "nowhere" },
    spec: { ports: [{ name: "http", port: 80 }] },
  });
  await says("lost", "ResolvedRefs", "True ResolvedRefs");
});
