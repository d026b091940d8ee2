/** Subsets, Services and ports come and go with the routes that use them, and nobody is turned away. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { ingressClient, openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { failure, type HttpClient } from "../harness/http.ts";
import { type RunningLoad, startLoad } from "../harness/load.ts";
import { type PodLoad, startPodLoad } from "../harness/pod-load.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";

const NAMESPACE = "e2e-no-window";
const HOST = `${NAMESPACE}.test`;
const MARK = "x-mark";
/** What everybody calls: it stays, while what is behind it comes and goes. */
const FRONT = "front";
const PORT = 8000;
/** So many answers in a row must carry the newest mark. */
const SETTLED = 20;
const NETWORKING = "networking.istio.io/v1";

interface Traffic {
  readonly outside: RunningLoad;
  readonly inside: PodLoad;
}

const gateway = {
  apiVersion: NETWORKING,
  kind: "Gateway",
  metadata: { name: FRONT },
  spec: {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [HOST] }],
  },
};

const service = (name: string, port = PORT, portName = "http"): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: {
    selector: { app: "httpbin" },
    ports: [{ name: portName, port, targetPort: PORT }],
  },
});

const subsetsOf = (...names: readonly string[]): object => ({
  apiVersion: NETWORKING,
  kind: "DestinationRule",
  metadata: { name: "httpbin" },
  spec: {
    host: "httpbin",
    subsets: names.map((name) => ({ name, labels: { app: "httpbin" } })),
  },
});

interface Destination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number: number };
}

/** From the ingress and from sidecars; every answer says by which edit it was routed. */
const routeTo = (destination: Destination, mark: number): object => ({
  apiVersion: NETWORKING,
  kind: "VirtualService",
  metadata: { name: FRONT },
  spec: {
    hosts: [FRONT, HOST],
    gateways: ["mesh", FRONT],
    http: [{ headers: { response: { set: { [MARK]: String(mark) } } }, route: [{ destination }] }],
  },
});

const ORDERS = ["the route first", "what it names first"] as const;
type Order = (typeof ORDERS)[number];

describe("no request fails while what routes lead to is replaced", () => {
  const end = suiteEnd();
  let cluster: Cluster;
  let ingress: HttpClient;
  let mark = 0;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    await deploy(cluster, NAMESPACE, [HTTPBIN, CLIENT]);
    await apply(service(FRONT), gateway, routeTo({ host: "httpbin" }, mark));
    ingress = await ingressClient(end, cluster, NAMESPACE);
  });

  after(() => cluster?.api.close());

  const apply = (...objects: readonly object[]): Promise<void> =>
    cluster.kubectl.applyText(objects.map((one) => JSON.stringify(one)).join("\n---\n"), NAMESPACE);

  const remove = (...names: readonly string[]): Promise<string> =>
    cluster.kubectl.run(["delete", "-n", NAMESPACE, "--wait=false", ...names]);

  /** Constant requests through the ingress and from a sidecar, which begin once both are answered. */
  async function start(t: TestContext, route: object): Promise<Traffic> {
    await apply(service("httpbin"), route);
    const outside = "answer through the ingress";
    await waitFor({ description: outside, deadlineMs: 30_000 }, async () => {
      const { headers } = await ingress.get("/get");
      return headers[MARK] === String(mark);
    });
    const url = `http://${FRONT}:${PORT}/get`;
    await waitFor({ description: "answer to a sidecar", deadlineMs: 30_000 }, async () => {
      const first = await startPodLoad(cluster, NAMESPACE, { url, header: MARK });
      const reports = await first.stop();
      return reports.at(-1)?.failures.length === 0 && (reports.at(-1)?.values[mark] ?? 0) > 0;
    });
    const load = startLoad({ client: ingress, request: { path: "/get" } });
    t.after(() => load.stop().then(() => undefined));
    const inside = await startPodLoad(cluster, NAMESPACE, { url, header: MARK });
    t.after(() => inside.stop().then(() => undefined));
    return { outside: load, inside };
  }

  /** Waits until all traffic goes by the newest route. */
  async function follows({ outside, inside }: Traffic): Promise<void> {
    await waitFor(
      {
        description: `traffic that follows edit ${mark}`,
        deadlineMs: 30_000,
        intervalMs: 20,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      () => {
        const last = outside.records.slice(-SETTLED);
        const isNew = ({ headers }: (typeof last)[number]): boolean =>
          headers[MARK] === String(mark);
        const report = inside.reports.at(-1);
        const seen = `${last.filter(isNew).length} of ${last.length} outside, ${JSON.stringify(report)} inside`;
        if (!last.every(isNew) || report?.values[mark] !== report?.requests) throw new Error(seen);
        return true;
      },
    );
  }

  async function assertNoFailure(t: TestContext, { outside, inside }: Traffic): Promise<void> {
    const records = await outside.stop();
    const reports = await inside.stop();
    const requests = reports.reduce((sum, report) => sum + report.requests, 0);
    t.diagnostic(`${records.length} requests through the ingress, ${requests} from a sidecar`);
    assert.deepEqual(
      {
        outside: records.flatMap((record) => {
          const wrong = failure(record);
          return wrong === undefined ? [] : [`by edit ${String(record.headers[MARK])}: ${wrong}`];
        }),
        inside: reports.flatMap(({ failures }) => failures),
      },
      { outside: [], inside: [] },
    );
  }

  /** One edit of a route and of what it names, in one go or one after the other. */
  async function edit(order: Order, isOne: boolean, route: object, named: object): Promise<void> {
    const objects = order === "the route first" ? [route, named] : [named, route];
    if (isOne) await apply(...objects);
    else for (const object of objects) await apply(object);
  }

  for (const order of ORDERS) {
    for (const isOne of [true, false]) {
      test(`subsets added, renamed and removed: ${order}, ${isOne ? "one apply" : "two"}`, async (t) => {
        mark += 1;
        await apply(subsetsOf("a"));
        const traffic = await start(t, routeTo({ host: "httpbin", subset: "a" }, mark));
        for (const [subset, ...subsets] of [
          ["b", "a", "b"],
          ["c", "a", "c"],
          ["a", "a"],
          ["d", "d"],
          ["a", "a"],
        ] as const) {
          mark += 1;
          await edit(
            order,
            isOne,
            routeTo({ host: "httpbin", subset }, mark),
            subsetsOf(...subsets),
          );
          await follows(traffic);
        }
        await assertNoFailure(t, traffic);
      });
    }

    test(`a Service replaced by another with its route: ${order}, one apply`, async (t) => {
      mark += 1;
      const traffic = await start(t, routeTo({ host: "httpbin" }, mark));
      let old = "httpbin";
      for (const name of ["httpbin-2", "httpbin-3", "httpbin"]) {
        mark += 1;
        t.diagnostic(`edit ${mark}: from ${old} to ${name}`);
        await edit(order, true, routeTo({ host: name }, mark), service(name));
        await remove(`service/${old}`);
        await follows(traffic);
        old = name;
      }
      await assertNoFailure(t, traffic);
    });

    test(`a port renamed and renumbered with its route: ${order}, one apply`, async (t) => {
      mark += 1;
      const to = (number: number): object => routeTo({ host: "httpbin", port: { number } }, mark);
      const traffic = await start(t, to(PORT));
      for (const port of [8100, 8200, PORT]) {
        mark += 1;
        await edit(order, true, to(port), service("httpbin", port, `http-${port}`));
        await follows(traffic);
      }
      mark += 1;
      await edit(order, true, to(PORT), service("httpbin", PORT, "http-renamed"));
      await follows(traffic);
      await assertNoFailure(t, traffic);
    });
  }

  test("a Service is made, the route moved, the old one deleted", async (t) => {
    mark += 1;
    const traffic = await start(t, routeTo({ host: "httpbin" }, mark));
    let old = "httpbin";
    for (const name of ["httpbin-2", "httpbin-3", "httpbin"]) {
      mark += 1;
      t.diagnostic(`edit ${mark}: from ${old} to ${name}`);
      await apply(service(name));
      await apply(routeTo({ host: name }, mark));
      await remove(`service/${old}`);
      await follows(traffic);
      old = name;
    }
    await assertNoFailure(t, traffic);
  });
});
