import assert from "node:assert/strict";
import { test } from "node:test";
import type * as kube from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { TLS_MODE } from "../api/labels.ts";
import { Askers } from "./askers.ts";

const IP = "10.0.0.1";

const pod = (name: string, over: Partial<Live<kube.Pod>> = {}): Live<kube.Pod> => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "shop", labels: { [TLS_MODE]: "istio" } },
  spec: { containers: [] },
  status: { phase: "Running", podIP: IP, podIPs: [{ ip: IP }, { ip: "fd00::1" }] },
  ...over,
});

test("a pod with a sidecar is known by each of its addresses, until it goes", () => {
  const askers = new Askers();
  askers.replace([pod("web")]);
  assert.equal(askers.find(IP)?.key, "shop/web");
  assert.equal(askers.find("fd00::1"), askers.find(IP));
  askers.upsert(pod("web", { status: { phase: "Running", podIP: "10.0.0.2" } }));
  assert.deepEqual([askers.find(IP), askers.find("10.0.0.2")?.namespace], [undefined, "shop"]);
  askers.replace([]);
  assert.equal(askers.find("10.0.0.2"), undefined);
});

test("an address is its latest pod's", () => {
  const askers = new Askers();
  askers.upsert(pod("old"));
  askers.upsert(pod("new"));
  askers.remove("shop/old");
  assert.equal(askers.find(IP)?.key, "shop/new");
  askers.upsert(pod("new", { status: { phase: "Succeeded", podIP: IP } }));
  assert.equal(askers.find(IP), undefined, "it has ended");
});

test("nobody else is known", () => {
  const askers = new Askers();
  askers.replace([
    pod("bare", { metadata: { name: "bare", namespace: "shop" } }),
    pod("host", { spec: { containers: [], hostNetwork: true } }),
    pod("unscheduled", { status: {} }),
  ]);
  assert.equal(askers.find(IP), undefined);
});
