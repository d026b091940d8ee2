import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../api/conditions.ts";
import { KINDS } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { createMeshModel } from "../model/dataflow.ts";
import { apply, modelOf, remove, SETTINGS } from "../testing/fixtures.ts";
import { silent } from "../util/log.ts";
import { Ledger } from "./ledger.ts";
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
