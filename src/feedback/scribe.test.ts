import assert from "node:assert/strict";
import { test } from "node:test";
import { type Condition, conditionOf } from "../api/conditions.ts";
import { KINDS } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { createMeshModel } from "../model/dataflow.ts";
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

const gateway = {
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: { name: "web", namespace: "shop", resourceVersion: "1", generation: 1 },
  spec: { selector: { istio: "edge" }, servers: [] },
};
const pod = `
kind: Pod
metadata: { name: edge-1, namespace: edge, labels: { istio: edge, meshwright.dev/proxy: gateway } }
`;

test("a gateway's pods may be gone for a moment, and are told of once they stay away", async (t) => {
  const model = modelOf(pod);
  apply(model, JSON.stringify(gateway));
  const ledger = new Ledger();
  const sink = ledger.sink(KINDS.gateway);
  sink.upsert(gateway);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const writes: string[] = [];
  let wake = Promise.withResolvers<void>();
  const written = async (count: number): Promise<readonly string[]> => {
    while (writes.length < count) {
      await wake.promise;
      wake = Promise.withResolvers();
    }
    return writes;
  };
  const scribe = new Scribe(
    {
      ledger,
      engine: model.engine,
      findings: model.findings,
      refusals: () => Promise.resolve([]),
      addressFamilies: () => [],
      graceMs: 600,
      client: {
        apply<T extends KubeObject>(object: T): Promise<T> {
          const { conditions = [] } =
            (object as KubeObject<object, { conditions?: Condition[] }>).status ?? {};
          writes.push(conditions.find(({ type }) => type === "ResolvedRefs")?.reason ?? "");
          wake.resolve();
          return Promise.resolve({ ...object, metadata: gateway.metadata });
        },
      },
      log: silent,
    },
    stop.signal,
  );
  const running = scribe.run();
  assert.deepEqual(await written(1), ["ResolvedRefs"]);
  remove(model, pod);
  const gone = performance.now();
  assert.deepEqual(await written(2), ["ResolvedRefs", "PodsNotFound"]);
  assert.ok(performance.now() - gone >= 600, "not at once");
  apply(model, pod);
  assert.deepEqual(await written(3), ["ResolvedRefs", "PodsNotFound", "ResolvedRefs"]);
  stop.abort();
  await running;
});
