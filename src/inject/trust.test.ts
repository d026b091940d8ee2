import assert from "node:assert/strict";
import { test } from "node:test";
import { Trust, type TrustConfigMap } from "./trust.ts";

const signal = AbortSignal.timeout(10_000);

/** A cluster of namespaces, with what was written into them. */
function cluster(labels: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const existing = new Map<string, TrustConfigMap["data"]>();
  const writes: string[] = [];
  const state = { bundle: "root one\n", broken: new Set<string>() };
  const trust = new Trust({
    mesh: "default",
    gatewayNamespaces: ["mesh-system"],
    bundlePem: () => state.bundle,
    namespaces: () => new Map(Object.entries(labels)),
    existing: () => existing,
    apply: async ({ metadata: { namespace = "" }, data }) => {
      writes.push(namespace);
      await Promise.resolve();
      if (state.broken.has(namespace)) throw new Error("forbidden");
      existing.set(namespace, data);
    },
    log: () => {},
  });
  return { trust, existing, writes, state };
}

const LABELS = {
  shop: { "istio-injection": "enabled" },
  canary: { "istio.io/rev": "default" },
  plain: {},
  "mesh-system": {},
};

test("the roots are where pods may be injected, and nothing is written twice", async () => {
  const { trust, writes } = cluster(LABELS);
  assert.equal(await trust.ensureAll(signal), true);
  assert.deepEqual(writes.toSorted(), ["canary", "mesh-system", "shop"]);
  assert.equal(await trust.ensureAll(signal), true);
  assert.equal(writes.length, 3);
});

test("a namespace of a single injected pod gets the roots once, and later ones too", async () => {
  const { trust, existing, writes, state } = cluster(LABELS);
  await Promise.all([trust.ensure("plain", signal), trust.ensure("plain", signal)]);
  assert.deepEqual(writes, ["plain"]);
  state.bundle += "root two\n";
  await trust.ensureAll(signal);
  assert.equal(existing.get("plain")?.["root-cert.pem"], "root one\nroot two\n");
});

test("what was deleted or edited is written again", async () => {
  const { trust, existing } = cluster(LABELS);
  await trust.ensureAll(signal);
  existing.delete("shop");
  existing.set("canary", { "root-cert.pem": "mine" });
  await trust.ensureAll(signal);
  assert.deepEqual(existing.get("shop"), existing.get("mesh-system"));
  assert.deepEqual(existing.get("canary"), existing.get("mesh-system"));
});

test("one namespace that refuses does not keep the others waiting", async () => {
  const { trust, existing, state } = cluster(LABELS);
  state.broken.add("canary");
  assert.equal(await trust.ensureAll(signal), false);
  assert.deepEqual([...existing.keys()].toSorted(), ["mesh-system", "shop"]);
  state.broken.clear();
  assert.equal(await trust.ensureAll(signal), true);
});
