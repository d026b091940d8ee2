import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { createMeshModel } from "../model/dataflow.ts";
import { SETTINGS } from "../testing/fixtures.ts";
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
