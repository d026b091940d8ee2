import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listener } from "../../proto/gen/envoy/config/listener/v3/listener.ts";
import { configurationOf } from "../../testing/configuration.ts";
import { modelOf } from "../../testing/fixtures.ts";

const WORLD = `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: 10.96.0.1, ports: [{name: tcp, port: 3306}, {name: tls, port: 443}]}
---
kind: ServiceEntry
metadata: {name: far}
spec: {hosts: [far.com], resolution: DNS, ports: [{number: 3306, name: tcp, protocol: TCP}, {number: 443, name: tls, protocol: TLS}]}
---
kind: ServiceEntry
metadata: {name: target}
spec: {hosts: [bytes.com, names.com], resolution: DNS, ports: [{number: 9000, name: tcp, protocol: TCP}]}
---
kind: VirtualService
metadata: {name: db}
spec:
  hosts: [db, far.com]
  tcp: [{route: [{destination: {host: bytes.com}}]}]
  tls: [{match: [{sniHosts: [a.com]}], route: [{destination: {host: names.com}}]}]
`;

interface Told {
  readonly waits: boolean;
  /** Of each chain the names and the cluster; the last is the default. */
  readonly chains: readonly string[];
}

function listeners(yaml: string): Readonly<Record<string, Told>> {
  const { engine, mesh } = modelOf(yaml);
  const view = {
    kind: "sidecar",
    namespace: "default",
    workload: "default/web-1",
    serviceAccount: "web",
    labels: {},
  } as const;
  const found = configurationOf(mesh(engine), view).Listener ?? {};
  return Object.fromEntries(Object.entries(found).map(([name, body]) => [name, told(body)]));
}

function told({ filterChains = [], defaultFilterChain, listenerFilters = [] }: Listener): Told {
  const chains = [...filterChains, ...(defaultFilterChain ? [defaultFilterChain] : [])];
  return {
    waits: listenerFilters.length > 0,
    chains: chains.map(({ filterChainMatch, filters = [] }) => {
      const cluster = filters.map(({ typedConfig }) => typedConfig?.["cluster"]).join("");
      return `${filterChainMatch?.serverNames?.join(" ") ?? "all"}: ${cluster}`;
    }),
  };
}

const BYTES: Told = { waits: false, chains: ["all: outbound|9000||bytes.com"] };

test("rules for bytes are for ports of bytes, where servers may speak first", () => {
  const all = listeners(WORLD);
  assert.deepEqual(all["10.96.0.1_3306"], BYTES);
  assert.deepEqual(all["0.0.0.0_3306"], BYTES);
});

test("rules for names are for ports of TLS", () => {
  const all = listeners(WORLD);
  assert.deepEqual(all["10.96.0.1_443"], {
    waits: true,
    chains: ["a.com: outbound|9000||names.com", "all: outbound|443||db.default.svc.cluster.local"],
  });
  assert.deepEqual(all["0.0.0.0_443"], {
    waits: true,
    chains: [
      "a.com: outbound|9000||names.com",
      "far.com: outbound|443||far.com",
      "all: PassthroughCluster",
    ],
  });
});

for (const [port, names] of [
  ["{number: 443, protocol: TLS, name: own}", true],
  ["{number: 443, name: own}", true],
  ["{number: 443, protocol: TCP, name: own}", false],
  ["{number: 3306, protocol: TCP, name: own}", false],
] as const)
  test(`a Sidecar's listener for ${port} goes by ${names ? "names" : "bytes"}`, () => {
    const sidecar = `{kind: Sidecar, metadata: {name: a}, spec: {egress: [{port: ${port}, hosts: ["./*"]}]}}`;
    const [[, own] = []] = Object.entries(listeners(`${WORLD}---\n${sidecar}`)).filter(([name]) =>
      name.startsWith("10.96.0.1_"),
    );
    assert.equal(own?.waits, names);
    assert.match(own?.chains[0] ?? "", names ? /^a\.com: .*names/ : /^all: .*bytes/);
  });

const rules = (name: string, day: number, spec: string): string => `---
kind: VirtualService
metadata: {name: ${name}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec: ${spec}
`;
const to = (port: number): string =>
  `route: [{destination: {host: names.com, port: {number: ${port}}}}]`;
const SERVICES = WORLD.slice(0, WORLD.lastIndexOf("---"));

test("connections are for the rules of all who have the host, the oldest first", () => {
  const all = listeners(
    SERVICES +
      rules("young", 3, `{hosts: [db], tls: [{match: [{sniHosts: [a.com, b.com]}], ${to(2)}}]}`) +
      rules("old", 2, `{hosts: [db], tls: [{match: [{sniHosts: [a.com]}], ${to(1)}}]}`) +
      rules("wide", 1, `{hosts: ["*"], tls: [{match: [{sniHosts: [b.com, c.com]}], ${to(3)}}]}`),
  );
  assert.deepEqual(all["10.96.0.1_443"]?.chains, [
    "a.com: outbound|1||names.com",
    "b.com: outbound|2||names.com",
    "c.com: outbound|3||names.com",
    "all: outbound|443||db.default.svc.cluster.local",
  ]);
});

test("what comes after a rule that takes all is for nobody, whoever's it is", () => {
  const within = (subnet: string, port: number): string =>
    `{match: [{destinationSubnets: [${subnet}]}], ${to(port)}}`;
  const all = listeners(
    SERVICES +
      rules("young", 3, `{hosts: [db], tcp: [${within("10.0.0.0/8", 2)}]}`) +
      rules("old", 2, `{hosts: [db], tcp: [{${to(1)}}, ${within("10.96.0.0/16", 3)}]}`),
  );
  assert.deepEqual(all["10.96.0.1_3306"]?.chains, ["all: outbound|1||names.com"]);
});
