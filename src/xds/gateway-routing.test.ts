/** Which routing a gateway's servers take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import type { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import { configurationOf } from "../testing/configuration.ts";
import { CREDENTIALS } from "../testing/credentials.ts";
import { modelOf } from "../testing/fixtures.ts";
import type { ProxyView } from "./view.ts";

const POD: ProxyView = {
  kind: "gateway",
  namespace: "edge",
  workload: "edge/gateway-1",
  serviceAccount: "gateway",
  labels: { istio: "gateway" },
};

const PORT = 9000;

const server = (protocol: string, hosts: readonly string[], tls?: object): object => ({
  port: { number: PORT, name: `${protocol}-${hosts.join("-")}`, protocol },
  hosts,
  tls,
});

const gateway = (servers: readonly object[], name = "public"): object => ({
  kind: "Gateway",
  metadata: { name, namespace: "edge" },
  spec: { selector: POD.labels, servers },
});

const CERTIFICATE = {
  kind: "Secret",
  metadata: { name: "cert", namespace: "edge" },
  data: CREDENTIALS.ecdsa,
};

interface Routing {
  /** Its destination, too. */
  readonly name: string;
  readonly namespace?: string;
  readonly hosts: readonly string[];
  readonly age?: number;
  readonly gateway?: string;
  readonly exportTo?: readonly string[];
  /** Of its connections. */
  readonly match?: readonly object[];
}

type Kind = "http" | "tcp" | "tls";

function routing(kinds: readonly Kind[], routed: Routing): object {
  const {
    name,
    namespace = "shop",
    hosts,
    age = 1,
    gateway: to = "public",
    exportTo,
    match,
  } = routed;
  const route = [{ destination: { host: `${name}.example`, port: { number: 80 } } }];
  const rules = {
    http: { route },
    tcp: { match, route },
    tls: { match: [{ sniHosts: hosts }], route },
  };
  return {
    kind: "VirtualService",
    metadata: { name, namespace, creationTimestamp: `${2026 - age}-01-01T00:00:00Z` },
    spec: {
      hosts,
      gateways: [`edge/${to}`],
      exportTo,
      ...Object.fromEntries(kinds.map((kind) => [kind, [rules[kind]]])),
    },
  };
}

function configured(all: readonly object[]) {
  const { mesh, engine } = modelOf(all.map((one) => JSON.stringify(one)).join("\n---\n"));
  return configurationOf(mesh(engine), POD);
}

const listening = (all: readonly object[]): Listener =>
  configured(all).Listener?.[`0.0.0.0_${PORT}`] ?? {};

/** Names that clients ask for, and where their connections go. */
function connections(all: readonly object[]): readonly string[] {
  const { filterChains = [] } = listening(all);
  return filterChains.map(({ filterChainMatch, filters }) => {
    const { cluster = "" } = (filters?.at(-1)?.typedConfig ?? {}) as { readonly cluster?: string };
    return `${filterChainMatch?.serverNames?.join() ?? "any"} to ${cluster.split("|").at(-1)}`;
  });
}

/** Hosts that requests name, and where they go; `https` if they are sent there. */
function requests(all: readonly object[]): readonly string[] {
  const { VirtualHost: hosts = {} } = configured(all);
  return Object.values<VirtualHost>(hosts).map(({ domains, routes = [], requireTls }) => {
    const clusters = routes.map(({ route }) => route?.cluster?.split("|").at(-1));
    const to = requireTls === "ALL" ? ["https"] : clusters;
    return `${domains?.join()} to ${to.join(" or ") || "nothing"}`;
  });
}

const SIMPLE = { mode: "SIMPLE", credentialName: "cert" };
const THROUGH = { mode: "PASSTHROUGH" };

for (const { kind, protocol, tls, name } of [
  { kind: "tcp", protocol: "TCP", tls: undefined, name: "any" },
  { kind: "tls", protocol: "TLS", tls: THROUGH, name: "a.example.com" },
] as const)
  test(`a server for routing of one namespace takes no other's: ${kind}`, () => {
    const servers = [server(protocol, ["team-a/*.example.com"], tls)];
    const hosts = ["a.example.com"];
    const foreign = routing([kind], { name: "foreign", namespace: "team-b", hosts, age: 2 });
    const own = routing([kind], { name: "own", namespace: "team-a", hosts });
    assert.deepEqual(connections([gateway(servers), foreign, own]), [`${name} to own.example`]);
    assert.deepEqual(connections([gateway(servers), foreign]), []);
  });

test("names that a server has for one namespace are not another's to pass through", () => {
  const hosts = ["a.example.com", "b.example.com"];
  const servers = [server("TLS", ["team-a/a.example.com", "team-b/b.example.com"], THROUGH)];
  const greedy = routing(["tls"], { name: "greedy", namespace: "team-b", hosts });
  assert.deepEqual(connections([gateway(servers), greedy]), ["b.example.com to greedy.example"]);
});

test("servers that share a port each take the routing of their hosts", () => {
  const servers = ["a", "b"].map((name) => server("TLS", [`${name}.example.com`], SIMPLE));
  const both = ["a", "b"].map((name) =>
    routing(["tcp"], { name, hosts: [`${name}.example.com`], age: name === "a" ? 2 : 1 }),
  );
  assert.deepEqual(connections([CERTIFICATE, gateway(servers), ...both]), [
    "a.example.com to a.example",
    "b.example.com to b.example",
  ]);
});

test("a wildcard meets hosts of either side", () => {
  for (const [served, routed] of [
    ["*.example.com", "a.example.com"],
    ["a.example.com", "*.example.com"],
    ["*", "*.example.com"],
  ] as const) {
    const all = [
      gateway([server("TCP", [served])]),
      routing(["tcp"], { name: "a", hosts: [routed] }),
    ];
    assert.deepEqual(connections(all), ["any to a.example"], `${served} and ${routed}`);
  }
});

for (const { exportTo, isServed } of [
  { exportTo: undefined, isServed: true },
  { exportTo: ["*"], isServed: true },
  { exportTo: ["edge"], isServed: true },
  { exportTo: ["."], isServed: false },
  { exportTo: ["~"], isServed: false },
  { exportTo: ["office"], isServed: false },
])
  test(`routing counts where the gateway's pods may see it: exportTo ${exportTo?.join()}`, () => {
    const hosts = ["a.example.com"];
    const served = isServed ? ["a.example.com to a.example"] : [];
    const routed = (kind: Kind): object =>
      routing([kind], { name: "a", hosts, ...(exportTo && { exportTo }) });
    const http = [gateway([server("HTTP", ["*"])]), routed("http")];
    assert.deepEqual(requests(http), ["* to nothing", ...served].sort());
    const tcp = [CERTIFICATE, gateway([server("TLS", hosts, SIMPLE)]), routed("tcp")];
    assert.deepEqual(connections(tcp), served);
    const tls = [gateway([server("TLS", ["*"], THROUGH)]), routed("tls")];
    assert.deepEqual(connections(tls), served);
  });

test("a port without TLS does not wait for what clients say, whatever subnets are told apart", () => {
  const match = [{ sourceSubnet: "10.0.0.0/8" }, { destinationSubnets: ["10.1.0.0/16"] }];
  const routed = routing(["tcp"], { name: "a", hosts: ["*"], match });
  const plain = listening([gateway([server("TCP", ["*"])]), routed]);
  assert.deepEqual([plain.filterChains?.length, plain.listenerFilters], [2, undefined]);
  const secure = listening([CERTIFICATE, gateway([server("TLS", ["*"], SIMPLE)]), routed]);
  assert.deepEqual([secure.filterChains?.length, secure.listenerFilters?.length], [2, 1]);
});

test("the older of two that have a host comes first, whichever names it in full", () => {
  const all = (wildcard: string, age: number): readonly object[] => [
    gateway([server("HTTP", ["a.example.com"])]),
    routing(["http"], { name: "exact", hosts: ["a.example.com"], age: 2 }),
    routing(["http"], { name: "wildcard", hosts: [wildcard], age }),
  ];
  for (const wildcard of ["*", "*.example.com"])
    for (const [age, first] of [
      [1, "exact"],
      [3, "wildcard"],
    ] as const)
      assert.deepEqual(requests(all(wildcard, age)), [
        "* to nothing",
        `a.example.com to ${first}.example`,
      ]);
});

test("routing of several namespaces for one host comes by age, whatever the order of the server's hosts", () => {
  const hosts = ["team-a/*.example.com", "team-b/a.example.com"];
  const all = [
    gateway([server("HTTP", hosts)]),
    routing(["http"], { name: "a", namespace: "team-a", hosts: ["a.example.com"] }),
    routing(["http"], { name: "b", namespace: "team-b", hosts: ["*.example.com"], age: 2 }),
  ];
  assert.deepEqual(requests(all), ["* to nothing", "a.example.com to b.example"]);
});

test("a redirect to https is for the hosts of its own server and routing", () => {
  const redirecting = (hosts: readonly string[]): object =>
    gateway([server("HTTP", hosts, { httpsRedirect: true })]);
  const plain = gateway([server("HTTP", ["acme.example.com", "*.example.org"])], "plain");
  const acme = routing(["http"], { name: "acme", hosts: ["acme.example.com"], gateway: "plain" });
  const own = routing(["http"], { name: "own", hosts: ["own.example.com"] });
  const toHttps = ["own.example.com to https"];
  assert.deepEqual(requests([redirecting(["*"]), plain, acme, own]), [
    "* to https",
    "acme.example.com to acme.example",
    ...toHttps,
  ]);
  assert.deepEqual(requests([redirecting(["*.example.com"]), plain, acme, own]), [
    "*.example.com to https",
    "* to nothing",
    "acme.example.com to acme.example",
    ...toHttps,
  ]);
  const named = redirecting(["acme.example.com"]);
  assert.deepEqual(requests([named, plain, acme]), ["* to nothing", "acme.example.com to https"]);
  const shared = routing(["http"], { name: "shared", hosts: ["acme.example.com"] });
  assert.deepEqual(requests([redirecting(["*"]), plain, acme, shared]), [
    "* to https",
    "acme.example.com to https",
  ]);
});
