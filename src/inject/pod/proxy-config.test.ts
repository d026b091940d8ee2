import assert from "node:assert/strict";
import { test } from "node:test";
import { INJECTION } from "../../testing/pod.ts";
import { MeshError } from "../../util/errors.ts";
import { injectSidecar } from "./sidecar.ts";

function inject(config: string, annotations: Readonly<Record<string, string>> = {}) {
  const pod = {
    metadata: { name: "web", annotations: { "proxy.istio.io/config": config, ...annotations } },
    spec: { containers: [{ name: "web" }] },
  };
  const { pod: injected, warnings } = injectSidecar(pod, INJECTION, "Pod shop/web");
  const [proxy, ...others] = injected.spec.initContainers ?? [];
  const args = proxy?.args ?? [];
  return {
    warnings,
    concurrency: args[args.indexOf("--concurrency") + 1],
    bootstrap: args[args.indexOf("--config-yaml") + 1] ?? "",
    isCaptured: others.length > 0,
  };
}

test("threads, statistics and capture are the pod's own", () => {
  const { warnings, concurrency, bootstrap, isCaptured } = inject(`
concurrency: 4
proxyStatsMatcher:
  inclusionPrefixes: [mine]
  inclusion_regexps: ["a.*b"]
interceptionMode: NONE
holdApplicationUntilProxyStarts: true
`);
  assert.deepEqual([warnings, concurrency, isCaptured], [[], "4", false]);
  assert.match(bootstrap, /\{"prefix":"mine"\}/);
  assert.match(bootstrap, /\{"safeRegex":\{"regex":"a\.\*b"\}\}/);
});

test("an annotation of its own says more of the same, or goes before", () => {
  const config = "{proxyStatsMatcher: {inclusionPrefixes: [mine]}, interceptionMode: NONE}";
  const { bootstrap, isCaptured } = inject(config, {
    "sidecar.istio.io/statsInclusionPrefixes": "other",
    "sidecar.istio.io/interceptionMode": "REDIRECT",
  });
  assert.match(bootstrap, /\{"prefix":"other"\},\{"prefix":"mine"\}/);
  assert.ok(isCaptured);
});

test("what is not followed is told, with what to do instead, and the pod has its sidecar", () => {
  const { warnings, concurrency } = inject(`
gatewayTopology: {numTrustedProxies: 1}
tracing: {sampling: 10}
concurency: 3
proxyStatsMatcher: {prefixes: [a]}
interceptionMode: TPROXY
`);
  assert.equal(concurrency, "2");
  assert.deepEqual(
    warnings.map((warning) => warning.replace(/^Pod shop\/web: annotation /, "")),
    [
      "proxy.istio.io/config: interceptionMode TPROXY is not supported, REDIRECT is used",
      "proxy.istio.io/config: proxyStatsMatcher.prefixes is no field of a ProxyConfig, and is ignored: correct its name",
      "proxy.istio.io/config: gatewayTopology is followed for the whole mesh only: set spec.mesh.defaultConfig.gatewayTopology of the MeshConfig",
      "proxy.istio.io/config: tracing has no effect here: docs/injection.md has the annotations that have",
      "proxy.istio.io/config: concurency is no field of a ProxyConfig, and is ignored: correct its name",
    ],
  );
});

for (const [config, want] of [
  ["concurrency: [", /the whole is not YAML \(/],
  ["just text", /the whole is not an object in YAML/],
  ["concurrency: many", /concurrency is not a whole number from 0 to 2147483647/],
  ["concurrency: -1", /concurrency is not a whole number from 0 to 2147483647/],
  ["concurrency: 99999999999", /concurrency is not a whole number from 0 to 2147483647/],
  ["interceptionMode: SOME", /interceptionMode is not one of REDIRECT, TPROXY, NONE/],
  ["proxyStatsMatcher: {inclusionPrefixes: a}", /inclusionPrefixes is not a list of texts/],
  ['proxyStatsMatcher: {inclusionSuffixes: [""]}', /inclusionSuffixes is not a list of texts/],
  [
    "proxyMetadata: {ISTIO_META_DNS_CAPTURE: yes please}",
    /proxyMetadata\.ISTIO_META_DNS_CAPTURE is not true or false/,
  ],
  ["proxyStatsMatcher: [a]", /proxyStatsMatcher is not an object/],
] as const)
  test(`a pod is refused rather than run otherwise than it says: ${config}`, () => {
    assert.throws(
      () => inject(config),
      (error) => {
        assert.ok(error instanceof MeshError);
        assert.equal(error.code, "MESH0601");
        assert.match(error.message, /^Pod shop\/web: annotation proxy\.istio\.io\/config: /);
        assert.match(error.message, want);
        return true;
      },
    );
  });

test("an empty annotation asks for nothing", () => {
  assert.deepEqual(inject("").warnings, []);
});
