import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS, type Kind, type MeshConfig } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { silent } from "../util/log.ts";
import { type Deps, FINALIZER } from "./deps.ts";
import { reconcile } from "./reconcile.ts";

const NOW = new Date("2030-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const mesh: MeshConfig = {
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "default", finalizers: [FINALIZER] },
  spec: { controlPlane: { replicas: 1 }, gateways: [] },
  status: { conditions: [] },
};
const rolledOut = {
  metadata: { name: "meshwright-control-plane" },
  spec: { replicas: 1 },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
};

/** A cluster in which whatever is written works at once, with a CA that is good until `notAfter`. */
function working(notAfter: Date): Deps {
  const echo = async (object: KubeObject): Promise<KubeObject> => object;
  return {
    client: {
      request: async () => ({ major: "1", minor: "35", groups: [] }),
      get: async () => undefined,
      apply: echo,
    },
    world: {
      meshes: () => [mesh],
      owned: () => new Map(),
      live: () => undefined,
      find: (kind: Kind) => (kind === KINDS.deployment ? rolledOut : undefined),
      deployments: () => [],
      learn: () => {},
    },
    applied: { apply: echo, isInSync: () => false },
    trust: { ensure: async () => ({ data: {}, rootsPem: "", fingerprint: "root", notAfter }) },
    probes: { xds: async () => undefined, injection: async () => undefined },
    events: { emit: async () => {} },
    catalogue: { version: "0.1.0", image: "", proxyImage: "" },
    crds: [],
    faultsOf: () => [],
    log: silent,
    now: () => NOW,
  } as unknown as Deps;
}

for (const { title, leftMs, wantMs } of [
  { title: "when its CA expires", leftMs: HOUR_MS, wantMs: HOUR_MS },
  { title: "at the latest in a day", leftMs: 10 * 365 * 24 * HOUR_MS, wantMs: 24 * HOUR_MS },
])
  test(`a mesh that works is looked at again ${title}`, async () => {
    const deps = working(new Date(NOW.getTime() + leftMs));
    assert.equal(await reconcile(mesh, deps, new AbortController().signal), wantMs);
  });
