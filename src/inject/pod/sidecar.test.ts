import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Container, Probe } from "../../api/gen/kubernetes.ts";
import { TLS_MODE } from "../../api/labels.ts";
import { golden } from "../../testing/golden.ts";
import { INJECTION, readable } from "../../testing/pod.ts";
import { MeshError } from "../../util/errors.ts";
import { quantityBytes } from "./quantity.ts";
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
  [
    "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "10.0.0.0/99",
    /"10\.0\.0\.0\/99", which is not a list of CIDRs or \*/,
  ],
  [
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "fd00::/64,fd00::/129",
    /"fd00::\/129", which is not a list of CIDRs/,
  ],
  [
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "10.0.0.256",
    /"10\.0\.0\.256", which is not a list of CIDRs/,
  ],
  ["traffic.sidecar.istio.io/includeOutboundPorts", "080", /"080", which is not a list of ports/],
  ["sidecar.istio.io/proxyMemory", "lots", /"lots", which is not a quantity/],
  ["sidecar.istio.io/proxyImage", "", /"", which is not an image/],
  [
    "sidecar.istio.io/logLevel",
    "verbose",
    /"verbose", which is not one of trace, debug, info, warning, warn, error, critical, off/,
  ],
  ["sidecar.istio.io/componentLogLevel", "http", /"http", which is not a list of component:level/],
  ["sidecar.istio.io/componentLogLevel", "http:loud", /"http:loud", which is not a list/],
  [
    "sidecar.istio.io/componentLogLevel",
    "http:debug,htpp:debug",
    /"htpp:debug", which is not a list/,
  ],
  [
    "sidecar.istio.io/interceptionMode",
    "none",
    /"none", which is not one of REDIRECT, TPROXY, NONE/,
  ],
  ["sidecar.istio.io/rewriteAppHTTPProbers", "no", /"no", which is not true or false/],
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
  [
    "sidecar.istio.io/userVolume",
    '[{"secret": {"secretName": "roots"}}]',
    /which is not a JSON array of volumes, each with its name/,
  ],
  ["sidecar.istio.io/userVolume", "[", /"\[", which is not a JSON array of volumes/],
  [
    "sidecar.istio.io/userVolumeMount",
    '{"roots": "/etc/roots"}',
    /which is not a JSON array of mounts, each with the name of its volume and a mountPath/,
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

for (const value of ["0", "f", "F", "false", "False", "FALSE"])
  test(`probes stay as they are, if they are to: ${value}`, () => {
    const readinessProbe = { tcpSocket: { port: 9000 } };
    const { spec } = inject({
      metadata: { annotations: { "sidecar.istio.io/rewriteAppHTTPProbers": value } },
      spec: { containers: [{ name: "web", readinessProbe }] },
    });
    assert.deepEqual(spec.containers[0]?.readinessProbe, readinessProbe);
  });

test("a pod without capture is reached and probed as one without a proxy, unless it says otherwise", () => {
  const readinessProbe = { httpGet: { path: "/", port: 80 } };
  const none = { "sidecar.istio.io/interceptionMode": "NONE" };
  const pod = (labels: Readonly<Record<string, string>>): PodDraft =>
    inject({
      metadata: { annotations: none, labels },
      spec: { containers: [{ name: "web", readinessProbe }] },
    });
  const { metadata, spec } = pod({});
  assert.equal(metadata.labels?.[TLS_MODE], "disabled");
  assert.deepEqual(spec.containers[0]?.readinessProbe, readinessProbe);
  assert.equal(pod({ [TLS_MODE]: "istio" }).metadata.labels?.[TLS_MODE], "istio");
});

for (const { asked, want } of [
  {
    asked: { proxyCPU: "1" },
    want: { requests: { cpu: "10m" } },
  },
  {
    asked: { proxyCPU: "5m", proxyMemory: "4Gi", proxyMemoryLimit: "4Gi" },
    want: { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "32Mi" } },
  },
  {
    asked: { proxyCPU: "2", proxyCPULimit: "2", proxyMemory: "16Mi", proxyMemoryLimit: "16Mi" },
    want: {
      requests: { cpu: "100m", memory: "16Mi" },
      limits: { cpu: "100m", memory: "16Mi" },
    },
  },
])
  test(`capture reserves little beside the proxy: ${JSON.stringify(asked)}`, () => {
    const own = Object.entries(asked).map(([name, value]) => [`sidecar.istio.io/${name}`, value]);
    const pod = inject({
      metadata: { annotations: Object.fromEntries(own) as Readonly<Record<string, string>> },
      spec: { containers: [{ name: "web" }] },
    });
    assert.deepEqual(pod.spec.initContainers?.[1]?.resources, want);
  });

test("capture asks for no devices that the proxy has", () => {
  const limits = { "example.org/nic": "1", "ephemeral-storage": "1Gi" };
  const own = { name: "istio-proxy", image: "auto", resources: { limits } };
  const pod = inject({ metadata: {}, spec: { containers: [{ name: "web" }, own] } });
  assert.deepEqual(pod.spec.initContainers?.[1]?.resources, {
    limits: { "ephemeral-storage": "16Mi" },
  });
});

const proxyArguments = (own: Readonly<Record<string, string>>): readonly string[] => {
  const pod = inject({ metadata: { annotations: own }, spec: { containers: [{ name: "web" }] } });
  return pod.spec.initContainers?.[0]?.args ?? [];
};

test("levels of components may be written with spaces between them", () => {
  const args = proxyArguments({
    "sidecar.istio.io/componentLogLevel": "http:debug, upstream:warn,",
  });
  assert.equal(args[args.indexOf("--component-log-level") + 1], "http:debug,upstream:warn");
});

test("a memory limit of nothing is none, as to Kubernetes", () => {
  const args = proxyArguments({ "sidecar.istio.io/proxyMemoryLimit": "0" });
  assert.doesNotMatch(args.join(" "), /fixed_heap/);
});

for (const { form, volume, mount } of [
  {
    form: "an array",
    volume: '[{"name": "roots", "secret": {"secretName": "roots"}}, {"name": "own"}]',
    mount: '[{"name": "roots", "mountPath": "/etc/roots", "readOnly": true}]',
  },
  {
    form: "an object by name",
    volume: '{"roots": {"secret": {"secretName": "roots"}}, "own": {}}',
    mount: '{"roots": {"mountPath": "/etc/roots", "readOnly": true}}',
  },
])
  test(`the proxy has the volumes that the pod gives it, as ${form}`, () => {
    const given = {
      "sidecar.istio.io/userVolume": volume,
      "sidecar.istio.io/userVolumeMount": mount,
    };
    const own = { name: "own", emptyDir: {} };
    const once = inject({
      metadata: { annotations: given },
      spec: { containers: [{ name: "web" }], volumes: [own] },
    });
    const { initContainers, volumes = [] } = once.spec;
    assert.deepEqual(initContainers?.[0]?.volumeMounts?.[1], {
      name: "roots",
      mountPath: "/etc/roots",
      readOnly: true,
    });
    assert.deepEqual(
      volumes.map(({ name }) => name),
      ["own", "meshwright-proxy", "roots"],
    );
    assert.deepEqual(volumes[0], own);
    assert.deepEqual(volumes[2], { name: "roots", secret: { secretName: "roots" } });
    assert.deepEqual(inject(once), once);
  });

for (const [annotation, value, want] of [
  [
    "sidecar.istio.io/interceptionMode",
    "TPROXY",
    "interceptionMode: TPROXY is not supported, REDIRECT is used",
  ],
  [
    "traffic.sidecar.istio.io/excludeInterfaces",
    "eth1",
    "excludeInterfaces is ignored, every interface is captured: exclude ports or addresses",
  ],
  [
    "traffic.sidecar.istio.io/kubevirtInterfaces",
    "k6t-net0",
    "kubevirtInterfaces is ignored, all that comes by an interface is taken for inbound: list the ports that the pod serves in traffic.sidecar.istio.io/includeInboundPorts, and the rest passes by the proxy",
  ],
  [
    "istio.io/reroute-virtual-interfaces",
    "k6t-net0",
    "reroute-virtual-interfaces is ignored, all that comes by an interface is taken for inbound: list the ports that the pod serves in traffic.sidecar.istio.io/includeInboundPorts, and the rest passes by the proxy",
  ],
  [
    "sidecar.istio.io/bootstrapOverride",
    "own",
    "bootstrapOverride is ignored, the bootstrap is the mesh's own: patch what the proxy is sent with an EnvoyFilter",
  ],
  [
    "status.sidecar.istio.io/port",
    "15022",
    "port is ignored: that the proxy is ready it says on port 15021",
  ],
  [
    "sidecar.istio.io/discoveryAddress",
    "istiod:15012",
    "discoveryAddress is ignored, the proxy has the control plane that injects it: choose that by the label istio.io/rev",
  ],
] as const)
  test(`what cannot be done, but need not stop the pod, is a warning: ${annotation}`, () => {
    const { warnings } = injectSidecar(
      {
        metadata: { annotations: { [annotation]: value } },
        spec: { containers: [{ name: "web" }] },
      },
      INJECTION,
      "Pod shop/web",
    );
    const prefix = annotation.slice(0, annotation.lastIndexOf("/"));
    assert.deepEqual(warnings, [`Pod shop/web: annotation ${prefix}/${want}`]);
  });

for (const memory of ["4Gi", "128Mi"])
  test(`the proxy sheds load near the memory limit that the pod's own istio-proxy has: ${memory}`, () => {
    const own = { name: "istio-proxy", image: "auto", resources: { limits: { memory } } };
    const pod = inject({ metadata: {}, spec: { containers: [{ name: "web" }, own] } });
    const [proxy] = pod.spec.initContainers ?? [];
    assert.deepEqual(proxy?.resources, own.resources);
    const bytes = Math.ceil((quantityBytes(memory) ?? 0) * 0.95);
    assert.match(proxy.args?.join(" ") ?? "", new RegExp(`"maxHeapSizeBytes":${bytes}\\b`));
  });
