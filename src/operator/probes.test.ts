import assert from "node:assert/strict";
import dns from "node:dns";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import type { Settings } from "../install/settings.ts";
import type { Client } from "../kube/client.ts";
import { probes } from "./probes.ts";

const settings = { namespace: "mesh-system", clusterDomain: "cluster.local" } as Settings;

test("a control plane that is not found is told of, and nothing waits for the Lease's end", async (t) => {
  const lookup = (host: string, _: object, callback: (error: Error) => void): void =>
    process.nextTick(callback, new Error(`no such name: ${host}`));
  t.mock.method(dns, "lookup", lookup as typeof dns.lookup);
  const { signal } = new AbortController();
  const wait = await probes({} as Client).xds(settings, "", signal);
  assert.equal(wait?.reason, "XdsProbeFailed");
  assert.match(wait.message, /no such name: meshwright-control-plane\.mesh-system\.svc/);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
