import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeResource } from "../proto/delta.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { HandMadeScopes } from "../testing/scopes.ts";
import { encode } from "./encode.ts";
import { inlined } from "./inline-routes.ts";
import type { EncodedResource, Scope } from "./resource.ts";

const VHDS = { vhds: { configSource: { ads: {} } } };

const route = (name: string): EncodedResource =>
  encode("RouteConfiguration", { name, body: { name, ...VHDS }, clusters: [] });

const host = (name: string, cluster: string): EncodedResource =>
  encode("VirtualHost", { name, body: { name, domains: [cluster] }, clusters: [cluster] });

function shown(scope: Scope): object {
  return Object.fromEntries(
    [...scope.of("RouteConfiguration").resources].map(([name, { bytes, version, clusters }]) => {
      const { vhds, virtualHosts = [] } = RouteConfiguration.decode(decodeResource(bytes).body);
      const hosts = virtualHosts.map((one) => `${one.name} ${one.domains?.join(",")}`);
      return [name, { version, clusters, hosts, vhds }];
    }),
  );
}

test("hosts are written into their route configuration, with the clusters they name", () => {
  const scopes = new HandMadeScopes();
  scopes.write({
    RouteConfiguration: { r: route("r"), s: route("s") },
    VirtualHost: { "r/b:80": host("r/b:80", "two"), "r/a:80": host("r/a:80", "one") },
  });
  const scope = inlined(scopes);
  const seen = shown(scope) as Record<
    string,
    { hosts: string[]; clusters: string[]; vhds: object }
  >;
  assert.deepEqual(seen["r"]?.hosts, ["r/a:80 one", "r/b:80 two"]);
  assert.deepEqual(seen["r"]?.clusters, ["one", "two"]);
  assert.deepEqual([seen["s"]?.hosts, seen["s"]?.vhds], [[], undefined]);
  assert.equal(scope.of("VirtualHost").resources.size, 0);
  assert.equal(inlined(scopes), scope);
});

test("a configuration that asks for no hosts stays as it is", () => {
  const scopes = new HandMadeScopes();
  const own = encode("RouteConfiguration", { name: "r", body: { name: "r" }, clusters: ["c"] });
  scopes.write({ RouteConfiguration: { r: own } });
  assert.equal(inlined(scopes).of("RouteConfiguration").resources.get("r"), own);
});

const edit = fc.record({
  name: fc.constantFrom("r", "s", "r/a:80", "r/b:80", "s/a:80"),
  cluster: fc.constantFrom("one", "two", undefined),
});

test("followed from change to change, it is what it would be from scratch, and says what changed", () => {
  fc.assert(
    fc.property(fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
      const scopes = new HandMadeScopes();
      const scope = inlined(scopes);
      for (const batch of batches) {
        const before = scope.of("RouteConfiguration");
        const had = new Map(before.resources);
        for (const { name, cluster } of batch)
          if (name.includes("/"))
            scopes.write({ VirtualHost: { [name]: cluster && host(name, cluster) } });
          else scopes.write({ RouteConfiguration: { [name]: cluster && route(name) } });
        const fresh = new HandMadeScopes();
        fresh.write({
          RouteConfiguration: Object.fromEntries(scopes.of("RouteConfiguration").resources),
          VirtualHost: Object.fromEntries(scopes.of("VirtualHost").resources),
        });
        assert.deepEqual(shown(scope), shown(inlined(fresh)));
        const after = scope.of("RouteConfiguration");
        const differing = [...new Set([...had.keys(), ...after.resources.keys()])].filter(
          (name) => had.get(name)?.version !== after.resources.get(name)?.version,
        );
        const said = after.changedSince(before.generation);
        assert.deepEqual(
          differing.filter((name) => said?.has(name) === false),
          [],
        );
      }
    }),
  );
});
