import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { golden } from "../testing/golden.ts";
import { type BootstrapOptions, bootstrap, rootSds } from "./bootstrap.ts";

golden(join(import.meta.dirname, "testdata/bootstrap"), (options: BootstrapOptions) =>
  bootstrap(options),
);

test("kubelet and Prometheus are answered when the proxy turns requests away for want of memory", () => {
  const { staticResources } = bootstrap({
    namespace: "mesh-system",
    clusterDomain: "cluster.local",
    podIp: "10.0.0.1",
    memoryLimitBytes: 2 ** 30,
    probes: [{ path: "/p", port: 80, timeoutMs: 1, periodMs: 1, check: { kind: "tcp" } }],
  });
  assert.deepEqual(
    staticResources?.listeners?.map(({ name, bypassOverloadManager }) => [
      name,
      bypassOverloadManager,
    ]),
    [
      ["readiness", true],
      ["stats", true],
      ["probes", true],
    ],
  );
});

test("the roots are a resource that names no other file", () => {
  const { resources } = JSON.parse(rootSds("PEM\n")) as { readonly resources: readonly object[] };
  assert.deepEqual(resources, [
    {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
      name: "root",
      validationContext: { trustedCa: { inlineString: "PEM\n" } },
    },
  ]);
});
