/** Whatever users' objects hold, every proxy gets its configuration, and that of others is the very same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MeshModel } from "../model/dataflow.ts";
import { SERVED_TYPES } from "../proto/type-url.ts";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import { damaged, USER_KINDS, WITNESS } from "../testing/junk.ts";
import { encode } from "./encode.ts";
import { createScopes } from "./scopes.ts";
import { translators } from "./translate.ts";
import type { ProxyView } from "./view.ts";

const CALM: ProxyView = {
  kind: "sidecar",
  namespace: "calm",
  workload: "calm/witness-1",
  serviceAccount: "witness",
  labels: {},
};
const VIEWS: readonly ProxyView[] = [
  CALM,
  { ...CALM, namespace: "one", workload: "one/web-0", labels: { app: "web", version: "v1" } },
  {
    ...CALM,
    kind: "gateway",
    namespace: "one",
    workload: "one/web-1",
    labels: { istio: "gateway" },
  },
  { ...CALM, kind: "grpc", namespace: "one", workload: "one/web-0" },
];

/** Names and bytes of all that a proxy gets, by type. */
function configuration({ engine, mesh }: MeshModel, view: ProxyView): ReadonlyMap<string, string> {
  const scopes = createScopes({
    engine,
    mesh,
    translators,
    encode,
    onFault: ({ type, key, error }) => {
      throw new Error(`translating ${type} ${key} failed`, { cause: error });
    },
  });
  const lease = scopes.acquire(view);
  const all = SERVED_TYPES.flatMap((type) =>
    [...lease.scope.of(type).resources].map(
      ([name, { bytes }]) => [`${type} ${name}`, Buffer.from(bytes).toString("base64")] as const,
    ),
  );
  lease.release();
  return new Map(all);
}

/** What others in the root namespace say is for all; and where anybody may read descriptions, all have them. */
const WORLD = `${WITNESS}---
kind: EnvoyFilter
metadata: {name: none, namespace: nowhere}
spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {metadata: {filter_metadata: {a: {}}}}}}]}
`;
const ofNamespace = damaged(USER_KINDS).filter(
  ({ metadata }) => metadata.namespace !== "mesh-system",
);

test("an object that holds junk takes nothing from the others, and every proxy is served", () => {
  const wanted = [...configuration(modelOf(WORLD), CALM)].filter(([id]) =>
    id.includes("witness.calm"),
  );
  assert.ok(wanted.length >= 3, "the witness has a cluster, endpoints and a virtual host");
  fc.assert(
    fc.property(fc.array(ofNamespace, { minLength: 1, maxLength: 4 }), (objects) => {
      const model = modelOf(WORLD);
      applyAll(model, objects);
      for (const view of VIEWS) {
        const all = configuration(model, view);
        if (view === CALM) for (const [id, bytes] of wanted) assert.equal(all.get(id), bytes, id);
      }
    }),
    { numRuns: 150 },
  );
});
