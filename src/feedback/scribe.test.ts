import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Condition, conditionOf } from "../api/conditions.ts";
import { KINDS, kindOf } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { createMeshModel, type MeshModel } from "../model/dataflow.ts";
import { apply, modelOf, remove, SETTINGS } from "../testing/fixtures.ts";
import { silent } from "../util/log.ts";
import { Ledger } from "./ledger.ts";
import type { Refusal } from "./rejections.ts";
import { Scribe } from "./scribe.ts";

const routes: KubeObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "web", namespace: "shop", resourceVersion: "1", generation: 1 },
};

test("a status is written when proxies have been served", async () => {
  const { engine, findings } = createMeshModel(SETTINGS);
  const ledger = new Ledger();
  ledger.sink(KINDS.virtualService).upsert(routes);
  const stop = new AbortController();
  const events: string[] = [];
  let looks = 0;
  const written = Promise.withResolvers<void>();
  const scribe = new Scribe(
    {
      ledger,
      engine,
      findings,
      refusals: () => Promise.resolve([]),
      addressFamilies: () => [],
      isBusy() {
        looks += 1;
        events.push(looks < 3 ? "busy" : "served");
        return looks < 3;
      },
      client: {
        apply<T extends KubeObject>(object: T): Promise<T> {
          events.push(`write ${object.metadata.name}`);
          written.resolve();
          return Promise.resolve(object);
        },
      },
      log: silent,
    },
    stop.signal,
  );
  const running = scribe.run();
  await written.promise;
  stop.abort();
  await running;
  assert.deepEqual(events, ["busy", "busy", "served", "write web"]);
});

test("however many refusals are heard of in a row, they are looked at a few at a time", async (t) => {
  const { engine, findings } = createMeshModel(SETTINGS);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const looks: number[] = [];
  const scribe: Scribe = new Scribe(
    {
      ledger: new Ledger(),
      engine,
      findings,
      refusals() {
        looks.push(performance.now());
        if (looks.length === 3) stop.abort();
        scribe.rejectionHeard();
        return Promise.resolve([]);
      },
      addressFamilies: () => [],
      client: { apply: () => assert.fail("nothing is to be written") },
      log: silent,
    },
    stop.signal,
  );
  await scribe.run();
  const [first = 0, second = 0, third = 0] = looks;
  const gaps = [second - first, third - second];
  assert.ok(
    gaps.every((ms) => ms > 900),
    gaps.join(" and "),
  );
});

test("what was rejected of an object before it was edited is not told of what it is now", async (t) => {
  const { engine, findings } = createMeshModel(SETTINGS);
  const ledger = new Ledger();
  const sink = ledger.sink(KINDS.virtualService);
  sink.upsert(routes);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const source = "VirtualService shop/web";
  let refused: readonly Refusal[] = [
    { proxy: "shop/a", sources: [source], resource: "VirtualHost 80/web:80", message: "no" },
  ];
  const writes: string[] = [];
  const scribe = new Scribe(
    {
      ledger,
      engine,
      findings,
      refusals: () => Promise.resolve(refused),
      addressFamilies: () => [],
      client: {
        apply<T extends KubeObject>(object: T): Promise<T> {
          const { conditions = [] } =
            (object as KubeObject<object, { conditions?: Condition[] }>).status ?? {};
          const found = conditionOf(conditions, "Programmed");
          writes.push(`${found?.observedGeneration} ${found?.status}`);
          if (writes.length > 1) stop.abort();
          else {
            refused = [];
            sink.upsert({ ...routes, metadata: { ...routes.metadata, generation: 2 } });
          }
          return Promise.resolve(object);
        },
      },
      log: silent,
    },
    stop.signal,
  );
  await scribe.run();
  assert.deepEqual(writes, ["1 False", "2 True"]);
});

const meta = { name: "web", namespace: "shop", resourceVersion: "1", generation: 1 };
const gateway = {
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: meta,
  spec: { selector: { istio: "edge" }, servers: [] as readonly object[] },
};
const pod = `
kind: Pod
metadata: { name: edge-1, namespace: edge, labels: { istio: edge, meshwright.dev/proxy: gateway } }
`;

interface Told {
  readonly model: MeshModel;
  /** Waits until so many statuses are written. @returns what each says of references */
  readonly written: (count: number) => Promise<readonly string[]>;
  /** Waits until the object has been looked at so often. */
  readonly looked: (count: number) => Promise<void>;
}

/** The statuses of one object, written until the test ends. */
function telling(t: TestContext, { of, graceMs }: { of: KubeObject; graceMs: number }): Told {
  const model = modelOf(pod);
  apply(model, JSON.stringify(gateway));
  apply(model, JSON.stringify(of));
  const ledger = new Ledger();
  ledger.sink(kindOf(of)).upsert(of);
  const writes: string[] = [];
  let looks = 0;
  let wake = Promise.withResolvers<void>();
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) {
      await wake.promise;
      wake = Promise.withResolvers();
    }
  };
  const stop = new AbortController();
  const scribe = new Scribe(
    {
      ledger,
      engine: model.engine,
      findings: model.findings,
      refusals: () => Promise.resolve([]),
      addressFamilies: () => [],
      graceMs,
      isBusy() {
        looks += 1;
        wake.resolve();
        return false;
      },
      client: {
        apply<T extends KubeObject>(object: T): Promise<T> {
          const { conditions = [] } =
            (object as KubeObject<object, { conditions?: Condition[] }>).status ?? {};
          writes.push(conditionOf(conditions, "ResolvedRefs")?.reason ?? "");
          wake.resolve();
          return Promise.resolve({ ...object, metadata: of.metadata });
        },
      },
      log: silent,
    },
    stop.signal,
  );
  const running = scribe.run();
  t.after(() => {
    stop.abort();
    return running;
  });
  return {
    model,
    async written(count) {
      await until(() => writes.length >= count);
      return writes;
    },
    async looked(count) {
      await until(() => looks >= count);
      // It is about to look, and writes at once.
      await turn();
    },
  };
}

test("a gateway's pods may be gone for a moment, and are told of once they stay away", async (t) => {
  const { model, written } = telling(t, { of: gateway, graceMs: 600 });
  assert.deepEqual(await written(1), ["ResolvedRefs"]);
  remove(model, pod);
  const gone = performance.now();
  assert.deepEqual(await written(2), ["ResolvedRefs", "PodsNotFound"]);
  assert.ok(performance.now() - gone >= 600, "not at once");
  apply(model, pod);
  assert.deepEqual(await written(3), ["ResolvedRefs", "PodsNotFound", "ResolvedRefs"]);
});

const tls = { mode: "SIMPLE", credentialName: "cert" };
const server = { port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["*"], tls };
/** What is wrong with each is found by the pods of gateways; what it is like when they stay away. */
const BY_PODS: readonly { fault: string; after: string; object: KubeObject }[] = [
  {
    fault: "CredentialNotFound",
    after: "PodsNotFound",
    object: { ...gateway, spec: { ...gateway.spec, servers: [server] } },
  },
  {
    fault: "NotExportedToGateway",
    after: "ResolvedRefs",
    object: {
      ...gateway,
      kind: "VirtualService",
      spec: { hosts: ["a.example.com"], gateways: ["web"], exportTo: ["."] },
    },
  },
  {
    fault: "CredentialNotFound",
    after: "ResolvedRefs",
    object: {
      ...gateway,
      kind: "DestinationRule",
      spec: { host: "*.example.com", trafficPolicy: { tls } },
    },
  },
];
for (const { fault, after, object } of BY_PODS) {
  test(`${fault} of a ${object.kind} is not taken back while pods are gone for a moment`, async (t) => {
    const { model, written, looked } = telling(t, { of: object, graceMs: 60_000 });
    assert.deepEqual(await written(1), [fault]);
    remove(model, pod);
    await looked(2);
    apply(model, pod);
    await looked(3);
    remove(model, pod);
    await looked(4);
    assert.deepEqual(await written(1), [fault]);
  });

  test(`a ${object.kind} is judged without pods once they stay away`, async (t) => {
    const { model, written } = telling(t, { of: object, graceMs: 300 });
    assert.deepEqual(await written(1), [fault]);
    remove(model, pod);
    assert.deepEqual(await written(2), [fault, after]);
    apply(model, pod);
    assert.deepEqual(await written(3), [fault, after, fault]);
  });
}
