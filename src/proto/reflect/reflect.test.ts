import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HttpFilter } from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { typed } from "../types.ts";
import { bytesOf, canonical, jsonOf } from "./json.ts";
import { merged } from "./merge.ts";

const HTTP_FILTER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter";
const CLUSTER = "envoy.config.cluster.v3.Cluster";
const ROUTE = "envoy.config.route.v3.Route";
const LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

describe("messages by descriptor", () => {
  test("are the bytes of the generated codecs", () => {
    const filter = {
      name: "envoy.filters.http.lua",
      typedConfig: typed("envoy.extensions.filters.http.lua.v3.Lua", { inlineCode: "x" }),
    };
    assert.deepEqual(
      Buffer.from(bytesOf(HTTP_FILTER, filter)),
      Buffer.from(HttpFilter.encode(filter).finish()),
    );
    assert.deepEqual(jsonOf(HTTP_FILTER, HttpFilter.encode(filter).finish()), filter);
  });

  test("may hold what has no codec, in either spelling", () => {
    const wasm = {
      name: "wasm",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        config: { vm_config: { runtime: "envoy.wasm.runtime.v8" } },
      },
    };
    assert.deepEqual(canonical(HTTP_FILTER, wasm)["typedConfig"], {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
      config: { vmConfig: { runtime: "envoy.wasm.runtime.v8" } },
    });
  });

  test("that Envoy does not know are named", () => {
    const type = "type.googleapis.com/envoy.extensions.filters.http.nonsense.v3.Nonsense";
    assert.throws(
      () => canonical(HTTP_FILTER, { name: "x", typed_config: { "@type": type } }),
      /nonsense\.v3\.Nonsense/,
    );
    assert.throws(
      () => canonical(HTTP_FILTER, { name: "x", typed_config: { "@type": LUA, inline_kode: "" } }),
      /envoy\.extensions\.filters\.http\.lua\.v3\.Lua.*inline_kode/,
    );
  });
});

describe("merging", () => {
  const cases = [
    {
      title: "what is set replaces, messages merge, lists grow",
      type: CLUSTER,
      base: { connectTimeout: "1s", circuitBreakers: { thresholds: [{ maxRequests: 1 }] } },
      patch: { connectTimeout: "2s", circuitBreakers: { thresholds: [{ maxRequests: 2 }] } },
      want: {
        connectTimeout: "2s",
        circuitBreakers: { thresholds: [{ maxRequests: 1 }, { maxRequests: 2 }] },
      },
    },
    {
      title: "lists are replaced on demand",
      type: CLUSTER,
      lists: "replace" as const,
      base: { circuitBreakers: { thresholds: [{ maxRequests: 1 }] } },
      patch: { circuitBreakers: { thresholds: [{ maxRequests: 2 }] } },
      want: { circuitBreakers: { thresholds: [{ maxRequests: 2 }] } },
    },
    {
      title: "of a oneof the newest member stays",
      type: ROUTE,
      base: { match: { prefix: "/" }, route: { cluster: "a" } },
      patch: { directResponse: { status: 418 } },
      want: { match: { prefix: "/" }, directResponse: { status: 418 } },
    },
    {
      title: "an Any of the same type merges, one of another type replaces",
      type: HTTP_FILTER,
      base: { name: "x", typedConfig: { "@type": LUA, inlineCode: "a", statPrefix: "b" } },
      patch: { typedConfig: { "@type": LUA, inlineCode: "c" } },
      want: { name: "x", typedConfig: { "@type": LUA, inlineCode: "c", statPrefix: "b" } },
    },
    {
      title: "metadata merges by key",
      type: CLUSTER,
      base: { metadata: { filterMetadata: { a: { x: 1, z: { u: 1 } }, b: {} } } },
      patch: { metadata: { filterMetadata: { a: { y: [2], z: { v: 1 } } } } },
      want: { metadata: { filterMetadata: { a: { x: 1, y: [2], z: { u: 1, v: 1 } }, b: {} } } },
    },
  ];
  for (const { title, type, base, patch, want, lists = "append" as const } of cases)
    test(title, () => assert.deepEqual(merged(type, base, patch, lists), want));
});

test("what has no codec stands in an Any like the rest, and can be read again", () => {
  const filter: HttpFilter = {
    name: "csrf",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.csrf.v3.CsrfPolicy",
      filterEnabled: { defaultValue: { numerator: 7 } },
    },
  };
  const bytes = HttpFilter.encode(filter).finish();
  assert.deepEqual(Buffer.from(bytes), Buffer.from(bytesOf(HTTP_FILTER, filter)));
  assert.deepEqual(
    JSON.parse(JSON.stringify(HttpFilter.decode(bytes).typedConfig)),
    filter.typedConfig,
  );
});
