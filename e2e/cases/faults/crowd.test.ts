/** Sixty sidecars on one node, and a control plane that goes away, comes back and changes its size. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { expose, ingressClient, openMesh, ownNamespace, suiteEnd } from "../../harness/case.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { allSynced, replace, replicas, scale, sentBytes } from "../../harness/control-plane.ts";
import { failure } from "../../harness/http.ts";
import { meshReady } from "../../harness/mesh.ts";
import { CLIENT, HTTPBIN } from "../../harness/samples.ts";
import { Traffic } from "../../harness/traffic.ts";
import { waitFor } from "../../harness/wait.ts";
import { rolledOut } from "../../harness/workloads.ts";
import { CROWD, crowdPods, gather, Lane, NAMESPACE, roll } from "./crowd.ts";

/** As the mesh has by itself. */
const REPLICAS = 2;
/** What does not change because some pods do. */
const LASTING = ["Cluster", "Listener", "RouteConfiguration", "VirtualHost"];

const lasting = (sent: Readonly<Record<string, number>>): number =>
  LASTING.reduce((sum, type) => sum + (sent[type] ?? 0), 0);

describe("a crowd of sidecars", () => {
  const end = suiteEnd();
  let cluster: Cluster;
  let traffic: Traffic;
  let lane: Lane;

  before(async () => {
    cluster = await openMesh();
    await scale(cluster, REPLICAS);
    await ownNamespace(end, cluster, { name: NAMESPACE });
    for (const sample of [HTTPBIN, CLIENT]) await cluster.kubectl.apply(sample, NAMESPACE);
    await expose(cluster, NAMESPACE, { host: "httpbin", port: 8000 });
    await gather(cluster);
    const ingress = await ingressClient(end, cluster, NAMESPACE);
    lane = new Lane(cluster, ingress);
    await lane.lead(await lane.other());
    await allSynced(cluster, NAMESPACE);
    const url = "http://httpbin:8000/get";
    traffic = await Traffic.start(cluster, { namespace: NAMESPACE, url, ingress, path: "/get" });
  });

  after(async () => {
    await traffic?.stop();
    cluster?.api.close();
  });

  /** While something happens to the control plane, the lane moves on: that is followed afterwards. */
  async function movesLane(t: TestContext, fault: () => Promise<void>): Promise<void> {
    const next = await lane.other();
    const struck = fault();
    await lane.lead(next);
    await struck;
    const since = performance.now();
    await lane.leadsTo(next);
    t.diagnostic(`an endpoint was followed ${ms(since)} after the return`);
  }

  async function scaleAll(...counts: readonly number[]): Promise<void> {
    for (const count of counts) await scale(cluster, count);
  }

  const ms = (since: number): string => `${(performance.now() - since).toFixed(0)} ms`;

  test("one of two replicas killed under load: its sidecars go to the other, and no request fails", async (t) => {
    const since = traffic.mark();
    const [victim, survivor] = await replicas(cluster);
    assert.ok(victim && survivor, "there are not two replicas");
    await movesLane(t, () => replace(cluster, [victim]));
    await allSynced(cluster, NAMESPACE);
    t.diagnostic(await traffic.assertNoFailure(since));
  });

  test("all replicas killed under load: all sidecars come back at once, get what changed meanwhile and nothing else, and no request fails", async (t) => {
    const since = traffic.mark();
    const all = await replicas(cluster);
    await movesLane(t, () => replace(cluster, all));
    await allSynced(cluster, NAMESPACE);
    const sent = await sentBytes(cluster);
    t.diagnostic(`bytes that were sent: ${JSON.stringify(sent)}`);
    assert.ok(lasting(sent) <= CROWD, `${lasting(sent)} bytes were sent of what had not changed`);
    t.diagnostic(await traffic.assertNoFailure(since));
    await meshReady(cluster);
  });

  test("a pod deleted under load finishes what it has begun, and no request fails", async (t) => {
    const since = traffic.mark();
    const [first = "", second = ""] = await crowdPods(cluster);
    await lane.lead(first, second);
    await lane.leadsTo(first, second);
    const long = Array.from({ length: 8 }, () => lane.get("/delay/3"));
    await cluster.kubectl.run(["delete", "pod", first, "-n", NAMESPACE, "--wait=false"]);
    const records = await Promise.all(long);
    assert.deepEqual(
      records.flatMap((record) => failure(record) ?? []),
      [],
    );
    const isThere = records.some(({ body }) => body.includes(first));
    assert.ok(isThere, "no request was under way at the pod");
    await waitFor({ description: `end of pod ${first}`, deadlineMs: 90_000 }, async () => {
      const path = `/api/v1/namespaces/${NAMESPACE}/pods/${first}`;
      return (await cluster.api.get(path)) === undefined;
    });
    t.diagnostic(await traffic.assertNoFailure(since));
  });

  test("control plane scaled from 1 to 3 and back while sixty pods are rolled: no request fails, and all are Ready", async (t) => {
    await rolledOut(cluster, NAMESPACE);
    const since = traffic.mark();
    const old = new Set(await crowdPods(cluster));
    t.after(() => scale(cluster, REPLICAS));
    const [renewed] = await Promise.all([roll(cluster), scaleAll(1, 3, 1)]);
    assert.equal(renewed.length, CROWD);
    assert.ok(renewed.every((pod) => !old.has(pod)));
    await allSynced(cluster, NAMESPACE);
    t.diagnostic(await traffic.assertNoFailure(since));
  });
});
