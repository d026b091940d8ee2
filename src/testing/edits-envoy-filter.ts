/** What random EnvoyFilters say. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";

const LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
const context = fc.constantFrom("ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY");

/** What patches hold, so simple that every proxy takes it. */
const configPatch = fc.oneof(
  fc.record({
    applyTo: fc.constant("CLUSTER"),
    match: fc.record({
      context,
      cluster: fc.constantFrom(undefined, { portNumber: 80 }, { service: "nowhere" }),
    }),
    patch: fc.constantFrom(
      { operation: "MERGE", value: { connect_timeout: "3s" } },
      { operation: "MERGE", value: { circuit_breakers: { thresholds: [{ max_retries: 1 }] } } },
      { operation: "ADD", value: { name: "added", connect_timeout: "1s" } },
      { operation: "MERGE", value: { connect_timeout: "soon" } },
    ),
  }),
  fc.record({
    applyTo: fc.constant("HTTP_FILTER"),
    match: fc.record({
      context,
      listener: fc.constantFrom(undefined, { portNumber: 80 }, { portName: "http-80" }),
    }),
    patch: fc.record({
      operation: fc.constantFrom("INSERT_FIRST", "ADD", "MERGE"),
      value: fc.constantFrom("a", "b").map((name) => ({
        name,
        typed_config: { "@type": LUA, stat_prefix: name },
      })),
    }),
  }),
  fc.record({
    applyTo: fc.constantFrom("VIRTUAL_HOST", "ROUTE_CONFIGURATION"),
    match: fc.record({ context }),
    patch: fc.constant({
      operation: "MERGE",
      value: { request_headers_to_remove: ["x-internal"] },
    }),
  }),
  fc.record({
    applyTo: fc.constant("VIRTUAL_HOST"),
    match: fc.record({ context, routeConfiguration: fc.constantFrom(undefined, { name: "80" }) }),
    patch: fc.constantFrom(
      { operation: "MERGE", value: { metadata: { filter_metadata: { own: { of: "ours" } } } } },
      { operation: "REMOVE" },
      { operation: "ADD", value: { name: "added:80", domains: ["added.example.com"] } },
    ),
  }),
);

export const envoyFilter: fc.Arbitrary<KubeObject> = fc
  .record({
    namespace: fc.constantFrom("one", "two", "mesh-system"),
    name: fc.constantFrom("patch", "more-patches"),
    creationTimestamp: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    spec: fc.record({
      priority: fc.constantFrom(undefined, -1, 1),
      workloadSelector: fc.constantFrom(undefined, { labels: { app: "web" } }),
      configPatches: fc.array(configPatch, { minLength: 1, maxLength: 2 }),
    }),
  })
  .map(({ spec, ...metadata }) => ({
    apiVersion: "test/v1",
    kind: "EnvoyFilter",
    metadata,
    spec,
  }));
