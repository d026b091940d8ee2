/** What Envoy takes for granted, whatever users write: one violation would refuse all the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import type { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import type { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import { type Configuration, translatedFor } from "../testing/configuration.ts";
import { randomWorld } from "../testing/random-world.ts";
import { parseVirtualHost } from "./names.ts";

const virtualHosts = (all: Configuration): readonly VirtualHost[] =>
  Object.values(all.VirtualHost ?? {});

/** Every value under a field of that name, at any depth. */
function* fieldsNamed(field: string, value: unknown): Iterable<unknown> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === field) yield inner;
    yield* fieldsNamed(field, inner);
  }
}

const assignmentOf = (name: string, { edsClusterConfig }: Cluster): string =>
  edsClusterConfig?.serviceName ?? name;

function twice(names: readonly string[]): readonly string[] {
  return names.filter((name, i) => names.indexOf(name) !== i);
}

const INVARIANTS: Readonly<Record<string, (all: Configuration) => void>> = {
  "no domain is in two virtual hosts of a route configuration"(all) {
    const domains = virtualHosts(all).flatMap(({ name = "", domains: own = [] }) =>
      own.map((domain) => `${parseVirtualHost(name).route} ${domain.toLowerCase()}`),
    );
    assert.deepEqual(twice(domains), []);
  },
  "every route configuration has a virtual host, and every virtual host a route configuration"(
    all,
  ) {
    const routes = Object.keys(all.RouteConfiguration ?? {}).sort();
    const hosts = virtualHosts(all).map(({ name = "" }) => parseVirtualHost(name).route);
    assert.deepEqual([...new Set(hosts)].sort(), routes);
  },
  "every route configuration that a listener names is there"(all) {
    const named = [...fieldsNamed("routeConfigName", all.Listener)].map(String);
    const missing = named.filter((name) => !Object.hasOwn(all.RouteConfiguration ?? {}, name));
    assert.deepEqual(missing, []);
  },
  "every cluster that wants endpoints gets them, and none other"(all) {
    const wanting = Object.entries<Cluster>(all.Cluster ?? {}).flatMap(([name, cluster]) =>
      cluster.type === "EDS" ? [assignmentOf(name, cluster)] : [],
    );
    assert.deepEqual(wanting.sort(), Object.keys(all.ClusterLoadAssignment ?? {}).sort());
  },
  "endpoints of several kinds go by a name of their own"(all) {
    for (const [name, cluster] of Object.entries<Cluster>(all.Cluster ?? {})) {
      const assignment = assignmentOf(name, cluster);
      const takes = JSON.stringify(all.ClusterLoadAssignment?.[assignment] ?? {}).includes(
        '"tlsMode":"istio"',
      );
      if (takes && assignment !== name) assert.match(assignment, /^\?/);
      if (cluster.transportSocketMatches && cluster.type === "EDS") assert.match(assignment, /^\?/);
    }
  },
  "no two listeners have one address"(all) {
    const addresses = Object.values(all.Listener ?? {}).flatMap((listener: Listener) =>
      [listener.address, ...(listener.additionalAddresses ?? []).map((more) => more.address)].map(
        (address) => JSON.stringify(address),
      ),
    );
    assert.deepEqual(twice(addresses), []);
  },
};

for (const [name, holds] of Object.entries(INVARIANTS))
  test(name, () => {
    fc.assert(
      fc.property(randomWorld, (worlds) => {
        for (const { configuration } of worlds) holds(configuration);
      }),
      { numRuns: 200 },
    );
  });

test("delivery is told of every cluster that routes and listeners lead to", () => {
  fc.assert(
    fc.property(randomWorld, (worlds) => {
      for (const { mesh, view } of worlds)
        for (const { name, body, clusters, type } of translatedFor(mesh, view)) {
          if (type !== "VirtualHost" && type !== "Listener") continue;
          const named = [...fieldsNamed("cluster", body)].filter((c) => typeof c === "string");
          const weighted = [...fieldsNamed("weightedClusters", body)].flatMap((w) => [
            ...fieldsNamed("name", w),
          ]);
          assert.deepEqual(
            clusters,
            [...new Set([...named, ...weighted].map(String))].sort(),
            name,
          );
        }
    }),
    { numRuns: 100 },
  );
});
