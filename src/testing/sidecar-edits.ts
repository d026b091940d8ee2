/** Random Sidecars, with the names of the other random objects. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";

const port = fc.constantFrom(80, 9080);

const imported = fc
  .tuple(
    fc.constantFrom(".", "*", "one", "two", "~"),
    fc.constantFrom(
      "*",
      "*.one.svc.cluster.local",
      "api.one.svc.cluster.local",
      "web.two.svc.cluster.local",
      "*.example.com",
    ),
  )
  .map((parts) => parts.join("/"));

const egress = fc.record({
  hosts: fc.uniqueArray(imported, { minLength: 1, maxLength: 2 }),
  port: fc.option(
    fc.record({ number: port, protocol: fc.constantFrom("HTTP", "TCP", "HTTP_PROXY") }),
    { nil: undefined },
  ),
  bind: fc.constantFrom(undefined, undefined, "127.0.0.2", "unix:///tmp/mesh.sock"),
  captureMode: fc.constantFrom(undefined, "IPTABLES", "NONE"),
});

const ingress = fc.record({
  port: fc.record({ number: port, protocol: fc.constantFrom("HTTP", "TCP", "HTTPS") }),
  defaultEndpoint: fc.constantFrom(undefined, "127.0.0.1:8080", "0.0.0.0:8080", "unix:///a"),
  captureMode: fc.constantFrom(undefined, "NONE"),
  tls: fc.constantFrom(undefined, { mode: "SIMPLE", serverCertificate: "/c", privateKey: "/k" }),
});

export const sidecar: fc.Arbitrary<KubeObject> = fc
  .record({
    namespace: fc.constantFrom("one", "two", "mesh-system"),
    name: fc.constantFrom("default", "other"),
    created: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    selector: fc.constantFrom(undefined, undefined, { app: "web" }, { version: "v2" }),
    egress: fc.option(fc.array(egress, { maxLength: 3 }), { nil: undefined }),
    ingress: fc.option(fc.array(ingress, { maxLength: 2 }), { nil: undefined }),
    outboundTrafficPolicy: fc.constantFrom(
      undefined,
      { mode: "REGISTRY_ONLY" },
      { mode: "ALLOW_ANY" },
      { egressProxy: { host: "api", port: { number: 80 } } },
    ),
  })
  .map(({ namespace: ns, name, created: creationTimestamp, selector, ...spec }) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { namespace: ns, name, creationTimestamp },
    spec: { ...spec, ...(selector && { workloadSelector: { labels: selector } }) },
  }));
