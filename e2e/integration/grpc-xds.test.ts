/** Proxyless gRPC: both libraries, unmodified, follow a VirtualService without a sidecar. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { waitFor } from "../harness/wait.ts";
import { type Caller, type Counts, grpcWorld, type Library } from "./grpc-world.ts";

const TARGET = "xds:///versions.shop.svc.cluster.local:9080";
/** Another name for the same. */
const NAME = "xds:///latest.shop.svc.cluster.local:9080";
const CALLS = 1_000;

const backend = (version: string, address: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${version}, namespace: shop, labels: { app: versions, version: ${version} } }
spec: { serviceAccountName: versions, nodeName: node, containers: [{ name: app }] }
status: { phase: Running, podIP: ${address}, podIPs: [{ ip: ${address} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: versions-${version}, namespace: shop, labels: { kubernetes.io/service-name: versions } }
addressType: IPv4
ports: [{ name: grpc, port: 9080, protocol: TCP }]
endpoints:
  - addresses: [${address}]
    conditions: { ready: true }
    targetRef: { kind: Pod, name: ${version}, namespace: shop }
---`;

const MESH = `${backend("v1", "127.0.0.2")}${backend("v2", "127.0.0.3")}
apiVersion: v1
kind: Service
metadata: { name: versions, namespace: shop }
spec: { clusterIP: 10.96.0.9, selector: { app: versions }, ports: [{ name: grpc, port: 9080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: latest, namespace: shop }
spec: { type: ExternalName, externalName: versions.shop.svc.cluster.local }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: versions, namespace: shop }
spec:
  host: versions
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;

const split = (v1: number, v2: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: versions, namespace: shop }
spec:
  hosts: [versions]
  http:
    - match: [{ headers: { end-user: { exact: tester } } }]
      route: [{ destination: { host: versions, subset: v2 } }]
    - match: [{ headers: { end-user: { exact: nobody } } }]
      directResponse: { status: 503 }
    - route:
        - { destination: { host: versions, subset: v1 }, weight: ${v1} }
        - { destination: { host: versions, subset: v2 }, weight: ${v2} }
      timeout: 10s
      retries: { attempts: 3, retryOn: "unavailable,5xx" }
`;

/** Within 4.5 standard deviations, which chance exceeds once in 150,000 times. */
function assertShare(counts: Counts, version: string, share: number): void {
  const expected = CALLS * share;
  const sigma = Math.sqrt(CALLS * share * (1 - share));
  const seen = counts[version] ?? 0;
  const said = `${seen} of ${CALLS} calls for ${version}, expected ${expected} ± ${4.5 * sigma}`;
  assert.ok(Math.abs(seen - expected) <= 4.5 * sigma, `${said}: ${JSON.stringify(counts)}`);
}

const until = (caller: Caller, description: string, isIt: (counts: Counts) => boolean) =>
  waitFor({ description, deadlineMs: 20_000, intervalMs: 50 }, async () =>
    isIt(await caller.call(20)),
  );

for (const library of ["go", "node"] as const satisfies readonly Library[])
  test(`a ${library} client follows a split, and its change`, async (t) => {
    const world = await grpcWorld(t, MESH + "---" + split(80, 20));
    await world.serve({ "127.0.0.2": "v1", "127.0.0.3": "v2" });
    const client = world.client(library, TARGET);
    const first = await client.call(CALLS);
    assertShare(first, "v1", 0.8);
    assert.equal((first["v1"] ?? 0) + (first["v2"] ?? 0), CALLS);

    world.apply(split(0, 100));
    await until(client, "v2 alone", ({ v2 }) => v2 === 20);
    assert.deepEqual(await client.call(CALLS), { v2: CALLS });

    world.apply(split(100, 0));
    await until(client, "v1 alone", ({ v1 }) => v1 === 20);
    assert.deepEqual(await client.call(CALLS), { v1: CALLS });
    assert.deepEqual(await world.client(library, NAME).call(50), { v1: 50 });

    const [tester, nobody] = ["tester", "nobody"].map((user) =>
      world.client(library, TARGET, user),
    );
    assert.deepEqual(await tester?.call(50), { v2: 50 });
    assert.deepEqual(await nobody?.call(5), { UNAVAILABLE: 5 });
    assert.deepEqual(world.rejections, []);
    const [connection] = world.server.connections;
    assert.equal(connection?.caller.identity, "spiffe://cluster.local/ns/shop/sa/web");
    assert.equal(connection?.caller.view.kind, "grpc");
  });

const STORY = join(import.meta.dirname, "../../testdata/proxyless-grpc/in.yaml");
const FULL = "versions.default.svc.cluster.local:9080";

for (const library of ["go", "node"] as const satisfies readonly Library[])
  test(`a ${library} client takes all that rules can say`, async (t) => {
    const documents = readFileSync(STORY, "utf8").split("\n---\n");
    const world = await grpcWorld(
      t,
      documents.filter((text) => !/^kind: View$/m.test(text)).join("\n---\n"),
    );
    // It waits for an endpoint as long as it lives.
    world
      .client(library, `xds:///${FULL}`)
      .call(1)
      .catch(() => {});
    const types = ["Listener", "RouteConfiguration", "Cluster", "ClusterLoadAssignment"] as const;
    await waitFor({ description: "answers to all", deadlineMs: 15_000, intervalMs: 50 }, () => {
      const [connection] = world.server.connections;
      const said = types.map((type) => connection?.types.get(type));
      return said.every((status) => status !== undefined && status.acked === status.sent);
    });
    assert.deepEqual(world.rejections, []);
  });
