import assert from "node:assert/strict";
import { test } from "node:test";
import { DNS_CAPTURE } from "../../api/labels.ts";
import { INJECTION } from "../../testing/pod.ts";
import { MeshError } from "../../util/errors.ts";
import { injectSidecar, type SidecarOptions } from "./sidecar.ts";

const FLAG = "--dns-resolvers";
const RESOLVERS = ["10.96.0.10", "fd00::a"];
const options = (captured: boolean, resolvers: readonly string[] = RESOLVERS): SidecarOptions => ({
  ...INJECTION,
  dns: { captured, resolvers },
});

function injected(
  annotations: Readonly<Record<string, string>>,
  mesh: SidecarOptions,
  spec: { readonly dnsPolicy?: string } = {},
) {
  const pod = { metadata: { name: "web", annotations }, spec: { containers: [], ...spec } };
  const { pod: made, warnings } = injectSidecar(pod, mesh, "Pod shop/web");
  const [proxy, capture] = made.spec.initContainers ?? [];
  const args = capture?.args ?? [];
  const bootstrap = JSON.parse(proxy?.args?.[1] ?? "") as {
    staticResources: { listeners: readonly { readonly name: string }[] };
  };
  const listeners = bootstrap.staticResources.listeners.map(({ name }) => name);
  return {
    resolvers: args.includes(FLAG) ? args[args.indexOf(FLAG) + 1] : undefined,
    listeners: listeners.filter((name) => name.startsWith("dns-")),
    warnings,
  };
}

const LISTENERS = ["dns-udp-127.0.0.1", "dns-tcp-127.0.0.1", "dns-udp-::1", "dns-tcp-::1"];
const ISTIO = "proxy.istio.io/config";
const istio = (value: string): string => `proxyMetadata: { ISTIO_META_DNS_CAPTURE: ${value} }`;

for (const [what, annotations, mesh, want] of [
  ["nobody asks", {}, false, false],
  ["the mesh asks", {}, true, true],
  ["the pod asks", { [DNS_CAPTURE]: "true" }, false, true],
  ["the pod does not want it", { [DNS_CAPTURE]: "false" }, true, false],
  ["the pod asks in Istio's words", { [ISTIO]: istio('"true"') }, false, true],
  ["the pod asks in Istio's words, which are Go's", { [ISTIO]: istio('"True"') }, false, true],
  ["the pod asks by a number, in Istio's words", { [ISTIO]: istio("1") }, false, true],
  ["the pod declines in Istio's words", { [ISTIO]: istio("false") }, true, false],
  ["the pod says something else in Istio's words", { [ISTIO]: "concurrency: 1" }, true, true],
  ["nothing of the pod is captured", { "sidecar.istio.io/interceptionMode": "NONE" }, true, false],
] as const)
  test(`whether a pod's DNS is captured: ${what}`, () => {
    const { resolvers, listeners } = injected(annotations, options(mesh));
    assert.equal(resolvers, want ? "10.96.0.10,fd00::a" : undefined);
    assert.deepEqual(listeners, want ? LISTENERS : []);
  });

test("a pod that asks in vain is told why", () => {
  const asked = { [DNS_CAPTURE]: "true" };
  assert.deepEqual(injected(asked, options(false)).warnings, []);
  const [own] = injected(asked, options(false), { dnsPolicy: "None" }).warnings;
  assert.match(own ?? "", /^Pod shop\/web: names of the mesh do not resolve in it: with dnsPolicy/);
  const unknown = injected(asked, options(false, []));
  assert.match(unknown.warnings[0] ?? "", /does not know the cluster's resolver/);
  assert.deepEqual(unknown.listeners, []);
});

test("what is neither yes nor no refuses the pod", () => {
  for (const annotations of [{ [DNS_CAPTURE]: "on" }, { [ISTIO]: "{" }])
    assert.throws(
      () => injected(annotations, options(false)),
      (error) => error instanceof MeshError && error.code === "MESH0601",
    );
});
