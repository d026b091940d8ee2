import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Metadata } from "@grpc/grpc-js";
import {
  CONTROL_PLANE,
  CONTROL_PLANE_NAMESPACE,
  OPERATOR_NAMESPACE,
  PORTS,
  ROOT_CONFIG_MAP,
  ROOT_CONFIG_MAP_KEY,
  TOKEN_AUDIENCE,
} from "../../src/api/names.ts";
import { openCluster, startComponent, stopComponent } from "../cluster/cluster.ts";
import { expose, ingressClient, openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { replicas, syncedAt } from "../harness/control-plane.ts";
import { diagnose } from "../harness/diagnose.ts";
import { type EnvoyAdmin, openAdmin } from "../harness/envoy.ts";
import { endOfStream, type XdsServer } from "../harness/grpc.ts";
import { failure, type HttpClient } from "../harness/http.ts";
import { type RunningLoad, startLoad } from "../harness/load.ts";
import { meshReady } from "../harness/mesh.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";
import { onePod, pods, rolledOut } from "../harness/workloads.ts";

const NAMESPACE = "e2e-faults";
const API_SERVER_AWAY_MS = 30_000;
/** Kubernetes itself declares a node lost whose heartbeats it could not see, and takes it back. */
const CAUGHT_UP_MS = 120_000;
const UNAUTHENTICATED = 16;

/** What changes when configuration arrives that Envoy did not have. */
const CONFIGURATION =
  "^(cluster_manager\\.cluster|listener_manager\\.listener)_(added|modified|removed)$";

describe("faults", () => {
  const end = suiteEnd();
  let cluster: Cluster;
  let ingress: HttpClient;
  let envoy: EnvoyAdmin;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    await deploy(cluster, NAMESPACE, [HTTPBIN, CLIENT]);
    await expose(cluster, NAMESPACE, { host: "httpbin", port: 8000 });
    ingress = await ingressClient(end, cluster, NAMESPACE);
    const pod = await onePod(cluster, NAMESPACE, "app=httpbin");
    envoy = await openAdmin(cluster.kubectl, NAMESPACE, pod.metadata.name);
    await servedAgain("the start");
  });

  after(() => {
    envoy?.close();
    cluster?.api.close();
  });

  const servedAgain = (since: string): Promise<unknown> =>
    waitFor(
      {
        description: `answer through the ingress after ${since}`,
        deadlineMs: 30_000,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      async () => {
        const wrong = failure(await ingress.get("/get"));
        if (wrong) throw new Error(wrong);
        return true;
      },
    );

  /** Runs until it is stopped, at the latest when the test ends. */
  function startRequests(t: TestContext): RunningLoad {
    const load = startLoad({ client: ingress, request: { path: "/get" }, pauseMs: 10 });
    t.after(() => load.stop().then(() => undefined));
    return load;
  }

  async function assertNoFailure(load: RunningLoad): Promise<void> {
    const records = await load.stop();
    assert.ok(records.length > 0, "no request was sent");
    assert.deepEqual(
      records.flatMap((record) => failure(record) ?? []),
      [],
    );
  }

  /** How often containers of the mesh itself were restarted; pods on their way out do not count. */
  async function restarts(): Promise<Readonly<Record<string, number>>> {
    const all = [
      ...(await pods(cluster, CONTROL_PLANE_NAMESPACE)),
      ...(await pods(cluster, OPERATOR_NAMESPACE)),
      ...(await pods(cluster, NAMESPACE)),
    ];
    const staying = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return Object.fromEntries(
      staying.flatMap(({ metadata, status }) =>
        [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(
          ({ name, restartCount }): [string, number] => [`${metadata.name}/${name}`, restartCount],
        ),
      ),
    );
  }

  /** Whether a replica that is not one of the old says that the sidecar is connected and has all it should. */
  async function isServedAnew(sidecar: string, old: ReadonlySet<string>): Promise<boolean> {
    const renewed = (await replicas(cluster)).filter(({ metadata }) => !old.has(metadata.name));
    const synced = await Promise.all(renewed.map((one) => syncedAt(cluster, one)));
    return synced.some((proxies) => proxies.has(sidecar));
  }

  test("control plane deleted under load: no request fails, sidecars reconnect and get only differences", async (t) => {
    const load = startRequests(t);
    const configuration = await envoy.stats(CONFIGURATION);
    const { metadata } = await onePod(cluster, NAMESPACE, "app=httpbin");
    const sidecar = `${NAMESPACE}/${metadata.name}`;
    const old = new Set((await replicas(cluster)).map((replica) => replica.metadata.name));
    const selector = `app=${CONTROL_PLANE}`;
    await cluster.kubectl.run([
      "delete",
      "pod",
      "-n",
      CONTROL_PLANE_NAMESPACE,
      "-l",
      selector,
      "--wait=false",
    ]);
    await rolledOut(cluster, CONTROL_PLANE_NAMESPACE);
    await waitFor(
      {
        description: "sidecar at one of the new replicas",
        deadlineMs: 60_000,
        diagnose: () => diagnose(cluster),
      },
      () => isServedAnew(sidecar, old),
    );
    assert.deepEqual(await envoy.stats(CONFIGURATION), configuration);
    await assertNoFailure(load);
    await meshReady(cluster);
  });

  test("API server gone for 30 s: nobody restarts, no request fails, and all catch up by themselves", {
    skip: process.env["CLUSTER"] === "current" && "needs a cluster whose API server may be stopped",
  }, async (t) => {
    const counts = await restarts();
    const load = startRequests(t);
    const local = await openCluster(cluster.name);
    await stopComponent(local, "apiserver");
    try {
      // The time is the fault, not a wait for something.
      await delay(API_SERVER_AWAY_MS);
    } finally {
      await startComponent(local, "apiserver");
    }
    await waitFor(
      { description: "ready API server", deadlineMs: 30_000 },
      async () => (await cluster.api.send("GET", "/readyz")).status === 200,
    );
    await assertNoFailure(load);
    await meshReady(cluster);
    await assertFollows();
    assert.deepEqual(await restarts(), counts);
  });

  /** The mesh is alive again when a new route reaches traffic. */
  async function assertFollows(): Promise<void> {
    const route = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "exposed" },
      spec: {
        hosts: [`${NAMESPACE}.test`],
        gateways: ["exposed"],
        http: [
          {
            match: [{ uri: { prefix: "/new/" } }],
            rewrite: { uri: "/anything/" },
            route: [{ destination: { host: "httpbin", port: { number: 8000 } } }],
          },
          { route: [{ destination: { host: "httpbin", port: { number: 8000 } } }] },
        ],
      },
    };
    await cluster.kubectl.applyText(JSON.stringify(route), NAMESPACE);
    await waitFor(
      {
        description: "answer by the route that was applied after the fault",
        deadlineMs: CAUGHT_UP_MS,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      async () => {
        const wrong = failure(await ingress.get("/new/x"));
        if (wrong) throw new Error(wrong);
        return true;
      },
    );
  }

  describe("who has no token of a pod gets UNAUTHENTICATED and nothing else", () => {
    let server: XdsServer & { close(): void };

    before(async () => {
      const roots = await cluster.api.get<{ data: Record<string, string> }>(
        `/api/v1/namespaces/${NAMESPACE}/configmaps/${ROOT_CONFIG_MAP}`,
      );
      const forward = await cluster.kubectl.forward(
        { namespace: CONTROL_PLANE_NAMESPACE, workload: `deploy/${CONTROL_PLANE}` },
        PORTS.xds,
      );
      server = {
        ...forward,
        rootPem: roots?.data[ROOT_CONFIG_MAP_KEY] ?? "",
        serverName: `${CONTROL_PLANE}.${CONTROL_PLANE_NAMESPACE}.svc`,
      };
    });

    after(() => server?.close());

    const token = async (...args: string[]): Promise<string> =>
      (await cluster.kubectl.run(["create", "token", "client", "-n", NAMESPACE, ...args])).trim();

    for (const { title, authorization } of [
      { title: "no token", authorization: async () => undefined },
      {
        title: "a token nobody signed",
        authorization: async () => "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
      },
      {
        title: "a token for another audience",
        authorization: async () => `Bearer ${await token()}`,
      },
      {
        title: "a token that is bound to no pod",
        authorization: async () => `Bearer ${await token(`--audience=${TOKEN_AUDIENCE}`)}`,
      },
    ]) {
      test(title, async () => {
        const metadata = new Metadata();
        const value = await authorization();
        if (value) metadata.set("authorization", value);
        const ended = await endOfStream(server, metadata);
        assert.equal(ended.code, UNAUTHENTICATED, ended.details);
        assert.equal(ended.messages, 0);
      });
    }
  });
});
