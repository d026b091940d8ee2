/** Random Gateways and VirtualServices that meet: at one port of the same pods, in hosts, namespaces and exports. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";

const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
const host = fc.constantFrom("www.example.com", "api.example.com", "*.example.com", "*");
const owner = fc.constantFrom("", "", "one/", "two/", "./");

const PORTS = {
  HTTP: [undefined, { httpsRedirect: true }],
  TCP: [undefined],
  TLS: [{ mode: "PASSTHROUGH" }, { mode: "ISTIO_MUTUAL" }],
} as const;

const servers = fc.constantFrom("HTTP" as const, "TCP" as const, "TLS" as const).chain((protocol) =>
  fc.array(
    fc.record({
      hosts: fc.uniqueArray(
        fc.tuple(owner, host).map((parts) => parts.join("")),
        { minLength: 1, maxLength: 2 },
      ),
      tls: fc.constantFrom<object | undefined>(...PORTS[protocol]),
      port: fc.constant({ number: 9080, protocol }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
);

const gateway = fc
  .record({ name: fc.constantFrom("edge", "edge", "other-edge"), created, servers })
  .map(({ name, created: creationTimestamp, servers: all }) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { namespace: "one", name, creationTimestamp },
    spec: {
      selector: { istio: "gateway" },
      servers: all.map((one, i) => ({ ...one, port: { ...one.port, name: `port-${i}` } })),
    },
  }));

const routing = fc
  .record({
    namespace: fc.constantFrom("one", "two"),
    name: fc.constantFrom("edge-routes", "more-edge-routes"),
    created,
    hosts: fc.constantFrom(["www.example.com"], ["*.example.com", "www.example.com"], ["*"]),
    gateways: fc.constantFrom(["one/edge"], ["one/edge", "one/other-edge"]),
    number: fc.constantFrom(80, 9080),
    exportTo: fc.constantFrom(undefined, undefined, ["."], ["one"], ["two"], ["~"]),
  })
  .map(({ namespace, name, created: creationTimestamp, number, ...of }) => {
    const route = [{ destination: { host: `${name}.${namespace}`, port: { number } } }];
    // What takes every request would hide what comes after it.
    const http = [{ match: [{ uri: { prefix: `/${name}` } }], route }];
    return {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { namespace, name, creationTimestamp },
      spec: { ...of, http, tcp: [{ route }], tls: [{ match: [{ sniHosts: of.hosts }], route }] },
    };
  });

export const edge: fc.Arbitrary<KubeObject> = fc.oneof(
  { weight: 2, arbitrary: gateway },
  { weight: 3, arbitrary: routing },
);
