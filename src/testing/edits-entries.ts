/** Random ServiceEntries and WorkloadEntries, whose hosts and labels meet those of other objects. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";

const namespace = fc.constantFrom("one", "two");
const app = fc.constantFrom("web", "api");

const place = fc.record(
  {
    address: fc.constantFrom(
      "10.9.0.1",
      "10.9.0.2",
      "vm.example.com",
      "unix:///run/app",
      "two words",
    ),
    ports: fc.constantFrom({ "http-80": 8080 }, { tcp: 99_999 }),
    labels: fc.record(
      {
        app,
        version: fc.constantFrom("v1", "v2"),
        "istio-locality": fc.constant("west.south"),
      },
      { requiredKeys: ["app", "version"] },
    ),
    locality: fc.constantFrom("here/north/1", "there"),
    weight: fc.constantFrom(0, 3),
    serviceAccount: fc.constant("vm"),
    network: fc.constant("elsewhere"),
  },
  { requiredKeys: ["address"] },
);

const port = fc.record(
  {
    number: fc.constantFrom(80, 443, 9080),
    name: fc.constantFrom("http-80", "tcp", "tls", "any-80"),
    protocol: fc.constantFrom("HTTP", "HTTPS", "TLS", "TCP", "GRPC", "CARRIER-PIGEON"),
    targetPort: fc.constantFrom(8080, 0),
  },
  { requiredKeys: ["number", "name"] },
);

const hosts = fc.uniqueArray(
  fc.constantFrom(
    "www.example.com",
    "*.example.com",
    "api.example.com",
    "web.one.svc.cluster.local",
    "web.one",
    "*.web.one",
    "web",
    "*",
  ),
  { minLength: 1, maxLength: 2 },
);

export const serviceEntry: fc.Arbitrary<KubeObject> = fc
  .record({
    namespace,
    name: fc.constantFrom("outside", "more-outside"),
    creationTimestamp: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    hosts,
    allocated: fc.boolean(),
    spec: fc.record(
      {
        ports: fc.array(port, { maxLength: 2 }),
        resolution: fc.constantFrom(
          "NONE",
          "STATIC",
          "DNS",
          "DNS_ROUND_ROBIN",
          "DYNAMIC_DNS",
          "TEA_LEAVES",
        ),
        location: fc.constantFrom("MESH_INTERNAL", "MESH_EXTERNAL"),
        addresses: fc.constantFrom(["10.96.3.3"], ["172.30.0.0/16"], ["over there"], ["0.0.0.0"]),
        endpoints: fc.array(place, { maxLength: 2 }),
        workloadSelector: fc.constantFrom({ labels: { app: "web" } }, {}),
        exportTo: fc.constantFrom(["*"], ["."], ["one"]),
        subjectAltNames: fc.constantFrom(["spiffe://elsewhere/ns/a/sa/b"], ["spiffe://a/b"]),
      },
      { requiredKeys: ["ports"] },
    ),
  })
  .map(({ hosts: all, spec, allocated, ...metadata }) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata,
    spec: { hosts: all, ...spec },
    ...(allocated && {
      status: { addresses: all.map((host) => ({ host, value: "240.240.0.7" })) },
    }),
  }));

export const workloadEntry: fc.Arbitrary<KubeObject> = fc
  .record({
    namespace,
    name: fc.constantFrom("vm", "other-vm"),
    labels: fc.constantFrom({}, { app: "web" }),
    place,
    isWell: fc.constantFrom(undefined, "True", "False"),
  })
  .map(({ place: spec, isWell, ...metadata }) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata,
    spec,
    ...(isWell && { status: { conditions: [{ type: "Healthy", status: isWell }] } }),
  }));
