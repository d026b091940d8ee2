import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Container, Probe } from "../../api/gen/kubernetes.ts";
import { golden } from "../../testing/golden.ts";
import { INJECTION, readable } from "../../testing/pod.ts";
import { MeshError } from "../../util/errors.ts";
import { injectSidecar } from "./sidecar.ts";
import type { PodDraft } from "./workload.ts";

const inject = (pod: PodDraft): PodDraft => injectSidecar(pod, INJECTION, "Pod shop/web").pod;

golden(join(import.meta.dirname, "testdata"), (pod: PodDraft) => readable(inject(pod)));

const port = fc.integer({ min: 1, max: 65_535 });
const probe: fc.Arbitrary<Probe> = fc.oneof(
  fc.record({ httpGet: fc.record({ path: fc.webPath(), port }), periodSeconds: port }),
  fc.record({ tcpSocket: fc.record({ port: fc.oneof(port, fc.constant("http")) }) }),
  fc.record({ grpc: fc.record({ port, service: fc.string() }) }),
  fc.constant({ exec: { command: ["true"] } }),
);
const container = (name: string): fc.Arbitrary<Container> =>
  fc.record(
    {
      name: fc.constant(name),
      image: fc.constant("app"),
      readinessProbe: probe,
      livenessProbe: probe,
      startupProbe: probe,
      ports: fc.constant([{ name: "http", containerPort: 8080 }]),
    },
    { requiredKeys: ["name"] },
  );
const annotations = fc.dictionary(
  fc.constantFrom(
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/includeOutboundPorts",
    "prometheus.io/port",
  ),
  port.map(String),
);
const pods: fc.Arbitrary<PodDraft> = fc
  .record({
    apps: fc
      .uniqueArray(fc.constantFrom("web", "db", "istio-proxy"), { minLength: 1 })
      .filter((names) => names.some((name) => name !== "istio-proxy")),
    inits: fc.uniqueArray(fc.constantFrom("prepare", "log")),
    annotations,
  })
  .chain(({ apps, inits, ...metadata }) =>
    fc.record({
      metadata: fc.constant({ generateName: "web-", ...metadata }),
      spec: fc.record({
        containers: fc.tuple(...apps.map(container)),
        initContainers: fc.tuple(...inits.map(container)),
      }),
    }),
  );

test("injecting twice is injecting once", () => {
  fc.assert(
    fc.property(pods, (pod) => {
      const once = inject(pod);
      assert.deepEqual(inject(once), once);
    }),
  );
});

test("a container that another webhook adds later has its probes rewritten too", () => {
  const once = inject({ metadata: { name: "web" }, spec: { containers: [{ name: "web" }] } });
  const late: Container = { name: "late", readinessProbe: { tcpSocket: { port: 9000 } } };
  const twice = inject({
    ...once,
    spec: { ...once.spec, containers: [...once.spec.containers, late] },
  });
  assert.equal(twice.spec.containers[1]?.readinessProbe?.httpGet?.path, "/app-health/late/readyz");
  assert.match(JSON.stringify(twice.spec.initContainers), /probe\|\/app-health\/late\/readyz/);
});

test("a status that another injector wrote is not undone", () => {
  const status = JSON.stringify({ initContainers: ["istio-init"], containers: ["istio-proxy"] });
  const pod = inject({
    metadata: { name: "web", annotations: { "sidecar.istio.io/status": status } },
    spec: { containers: [{ name: "web" }] },
  });
  assert.deepEqual(
    pod.spec.initContainers?.map(({ name }) => name),
    ["istio-proxy", "istio-init"],
  );
});

for (const [annotation, value, want] of [
  [
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "80,http",
    /"http", which is not a list of ports/,
  ],
  [
    "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "10.0.0.0/8,all",
    /"all", which is not a list of CIDRs/,
  ],
  ["sidecar.istio.io/proxyMemory", "lots", /"lots", which is not a quantity/],
  [
    "sidecar.istio.io/statsInclusionRegexps",
    "a.*,(b",
    /"\(b", which is not a regular expression in RE2 syntax/,
  ],
  [
    "proxy.istio.io/config",
    '{proxyStatsMatcher: {inclusionRegexps: ["(?=a)"]}}',
    /"\(\?=a\)", which is not a regular expression in RE2 syntax/,
  ],
] as const)
  test(`an annotation that cannot be followed is refused: ${annotation}`, () => {
    const pod = {
      metadata: { name: "web", annotations: { [annotation]: value } },
      spec: { containers: [{ name: "web" }] },
    };
    assert.throws(
      () => inject(pod),
      (error) => {
        assert.ok(error instanceof MeshError);
        assert.equal(error.code, "MESH0601");
        assert.match(error.message, want);
        assert.match(error.message, /^Pod shop\/web: annotation /);
        return true;
      },
    );
  });

test("what cannot be done, but need not stop the pod, is a warning", () => {
  const { warnings } = injectSidecar(
    {
      metadata: { annotations: { "sidecar.istio.io/interceptionMode": "TPROXY" } },
      spec: { containers: [{ name: "web" }] },
    },
    INJECTION,
    "Pod shop/web",
  );
  assert.deepEqual(warnings, [
    "Pod shop/web: annotation sidecar.istio.io/interceptionMode: TPROXY is not supported, REDIRECT is used",
  ]);
});
