import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";

const patching = (value: object): string =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { name: "patch", namespace: "shop" },
    spec: {
      configPatches: [
        {
          applyTo: "NETWORK_FILTER",
          match: {
            listener: {
              filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } },
            },
          },
          patch: { operation: "MERGE", value: { typed_config: value } },
        },
      ],
    },
  });

const MANAGER =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

const describes = (model: ReturnType<typeof modelOf>): boolean =>
  model.mesh(model.engine).describes();

test("routes and clusters describe themselves while an EnvoyFilter may read it", () => {
  const model = modelOf("");
  assert.equal(describes(model), false);
  const tracing = patching({ "@type": MANAGER, tracing: { random_sampling: { value: 100 } } });
  apply(model, tracing);
  assert.equal(describes(model), true);
  apply(model, patching({ "@type": MANAGER, server_name: "shop" }));
  assert.equal(describes(model), false);
  apply(model, tracing);
  remove(model, tracing);
  assert.equal(describes(model), false);
});

test("and where the mesh's access log does", () => {
  const withLog = (text: string) => modelOf("", { traffic: { accessLog: { text } } });
  assert.equal(describes(withLog("%METADATA(ROUTE:istio:config)%")), true);
  assert.equal(describes(withLog("%RESPONSE_CODE%")), false);
  const fields = { service: "%METADATA(CLUSTER:istio:services)%" };
  assert.equal(describes(modelOf("", { traffic: { accessLog: { fields } } })), true);
});
