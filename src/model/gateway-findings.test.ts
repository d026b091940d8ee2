import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot } from "../ca/root.ts";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { MeshModel } from "./dataflow.ts";

const authority = () =>
  createRoot({ trustDomain: "example.com", now: new Date(), ttlMs: 3_600_000 });
const [{ "ca-cert.pem": CHAIN, "ca-key.pem": KEY }, { "ca-key.pem": OTHER_KEY }] =
  await Promise.all([authority(), authority()]);

const secret = (name: string, data: Readonly<Record<string, string>>): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "edge", name },
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    ),
  });

const pod = (name: string, namespace = "edge", kind = "gateway"): string => `
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {istio: edge, app: edge, meshwright.dev/proxy: ${kind}}}
`;

const gateway = (tls: object, protocol = "HTTPS"): string =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { namespace: "shop", name: "web" },
    spec: {
      selector: { istio: "edge" },
      servers: [{ port: { number: 443, name: "https", protocol }, hosts: ["*"], tls }],
    },
  });

const told = (model: MeshModel): readonly string[] =>
  model.engine
    .get(model.findings, "Gateway shop/web")
    .map(({ code, path, message }) => `${code} ${path}: ${message}`);

const AT = "spec.servers[0].tls";
const EFFECT =
  'so server "https" answers nobody: give it a certificate chain as tls.crt and its key as tls.key';
const ROOTS_EFFECT =
  'so server "https" answers nobody: give it the roots that clients\' certificates come from as ca.crt';

test("a server's credential is followed: missing, wrong, mended, gone", () => {
  const model = modelOf(`${pod("edge-1")}---${pod("edge-2")}`);
  apply(model, gateway({ mode: "SIMPLE", credentialName: "cert" }));
  const missing = [`MESH0119 ${AT}.credentialName: there is no Secret edge/cert, ${EFFECT}`];
  assert.deepEqual(told(model), missing);
  apply(model, secret("cert", { "tls.crt": CHAIN, "tls.key": OTHER_KEY }));
  assert.deepEqual(told(model), [
    `MESH0120 ${AT}.credentialName: Secret edge/cert has a tls.key that does not belong to its tls.crt, ${EFFECT}`,
  ]);
  apply(model, secret("cert", { "tls.crt": CHAIN, "tls.key": KEY }));
  assert.deepEqual(told(model), []);
  remove(model, secret("cert", {}));
  assert.deepEqual(told(model), missing);
});

test("roots may be beside the credential, or in one of their own", () => {
  const model = modelOf(pod("edge-1"));
  apply(model, gateway({ mode: "MUTUAL", credentialName: "cert" }));
  apply(model, secret("cert", { "tls.crt": CHAIN, "tls.key": KEY }));
  assert.deepEqual(told(model), [
    `MESH0120 ${AT}.credentialName: Secret edge/cert has no ca.crt, ${ROOTS_EFFECT}`,
  ]);
  apply(model, secret("cert-cacert", { "ca.crt": CHAIN }));
  assert.deepEqual(told(model), []);
  apply(
    model,
    gateway({ mode: "MUTUAL", credentialName: "cert", caCertCredentialName: "clients" }),
  );
  assert.deepEqual(told(model), [
    `MESH0119 ${AT}.caCertCredentialName: there is no Secret edge/clients, ${ROOTS_EFFECT}`,
  ]);
});

for (const { what, tls, protocol, paths } of [
  { what: "several", tls: { mode: "SIMPLE", credentialNames: ["a", "b"] }, paths: [0, 1] },
  { what: "a server without TLS", tls: { mode: "SIMPLE", credentialName: "a" }, protocol: "HTTP" },
  { what: "the mesh's own", tls: { mode: "ISTIO_MUTUAL", credentialName: "a" } },
  { what: "what passes through", tls: { mode: "PASSTHROUGH", credentialName: "a" } },
])
  test(`names of credentials: ${what}`, () => {
    const model = modelOf(`${pod("edge-1")}---\n${gateway(tls, protocol)}`);
    assert.deepEqual(
      told(model).map((line) => line.split(":")[0]),
      (paths ?? []).map((i) => `MESH0119 ${AT}.credentialNames[${i}]`),
    );
  });

test("the Secret is in the namespace of the pods, which there are once", () => {
  const model = modelOf(gateway({ mode: "SIMPLE", credentialName: "cert" }));
  const unselected = [
    "MESH0121 spec.selector: no pod of a gateway has istio=edge, so nobody opens these servers: select by the labels of a gateway's pods, or have the MeshConfig run a gateway with these",
  ];
  assert.deepEqual(told(model), unselected);
  apply(model, pod("app-1", "shop", "none"));
  assert.deepEqual(told(model), unselected, "no pod of a gateway");
  apply(model, `${pod("edge-1")}---${pod("edge-1", "other")}`);
  assert.deepEqual(
    told(model).map((line) => /Secret (\S+),/.exec(line)?.[1]),
    ["edge/cert", "other/cert"],
  );
  remove(model, pod("edge-1", "other"));
  assert.equal(told(model).length, 1);
});

test("nothing that a Secret holds is told", () => {
  const model = modelOf(pod("edge-1"));
  apply(model, gateway({ mode: "MUTUAL", credentialName: "cert" }));
  const hidden = "c2VjcmV0";
  for (const data of [
    { "tls.crt": hidden, "tls.key": hidden, "ca.crt": hidden },
    { "tls.crt": CHAIN, "tls.key": hidden, "ca.crt": CHAIN, "ca.crl": hidden },
  ]) {
    apply(model, secret("cert", data));
    assert.equal(told(model).length, 2);
    assert.ok(!told(model).join().includes(hidden));
  }
});

test("a gateway that selects all pods of gateways needs one", () => {
  const everything = gateway({ mode: "PASSTHROUGH" }, "TLS").replace('{"istio":"edge"}', "{}");
  const model = modelOf(everything);
  assert.match(told(model).join(), /^MESH0121 spec\.selector: there is no pod of a gateway, so/);
  apply(model, pod("edge-1"));
  assert.deepEqual(told(model), []);
});

test("routing that the gateway's pods may not see is told so", () => {
  const routing = (exportTo: readonly string[]): string =>
    JSON.stringify({
      kind: "VirtualService",
      metadata: { namespace: "shop", name: "web" },
      spec: { hosts: ["a.example.com"], gateways: ["mesh", "web"], exportTo },
    });
  const model = modelOf(gateway({ mode: "PASSTHROUGH" }, "TLS"));
  const ofRouting = (exportTo: readonly string[]): readonly string[] => {
    apply(model, routing(exportTo));
    return model.engine
      .get(model.findings, "VirtualService shop/web")
      .map(({ code, path, message, untold }) => `${code} ${path}: ${untold ?? message}`);
  };
  assert.deepEqual(ofRouting(["."]), ["MESH0121 spec.gateways[1]: true"], "it has no pods");
  assert.deepEqual(ofRouting(["*"]), []);
  apply(model, pod("edge-1"));
  assert.deepEqual(ofRouting(["."]), [
    "MESH0123 spec.gateways[1]: the pods of Gateway shop/web are in edge, to which this is not exported, so nothing reaches these rules through it: have exportTo name edge",
  ]);
  assert.deepEqual(ofRouting([".", "edge"]), []);
  assert.deepEqual(ofRouting(["*"]), []);
  apply(model, pod("edge-1", "other"));
  assert.deepEqual(ofRouting(["other"]), [], "some of its pods have them");
  assert.match(ofRouting(["~"]).join(), /are in edge and other, .*have exportTo name one of them$/);
});

test("a suite that proxies do not have is told", () => {
  const cipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"];
  const model = modelOf(gateway({ mode: "SIMPLE", credentialName: "web", cipherSuites }));
  assert.deepEqual(
    model.diagnostics().map(({ code, path, message }) => `${code} ${path}: ${message}`),
    [
      `MESH0117 ${AT}.cipherSuites[1]: "TLS_AES_128_GCM_SHA256" is no cipher suite that can be chosen: name one of TLS 1.2, like ECDHE-RSA-AES128-GCM-SHA256`,
    ],
  );
});

test("routing for hosts that no server has, or has for others, is told so", () => {
  const model = modelOf(pod("edge-1"));
  const at = { namespace: "shop", name: "web" };
  const bind = (served: readonly string[], hosts: readonly string[]): readonly string[] => {
    const server = { port: { number: 80, name: "web", protocol: "HTTP" }, hosts: served };
    const spec = { hosts, gateways: ["mesh", "web"] };
    apply(model, JSON.stringify({ kind: "Gateway", metadata: at, spec: { servers: [server] } }));
    apply(model, JSON.stringify({ kind: "VirtualService", metadata: at, spec }));
    return model.engine
      .get(model.findings, "VirtualService shop/web")
      .map(({ code, path, message }) => `${code} ${path}: ${message}`);
  };
  assert.deepEqual(bind(["b.example.com", "team-a/*"], ["a.example.com"]), [
    "MESH0124 spec.gateways[1]: Gateway shop/web has b.example.com, team-a/*, which is no host of this VirtualService in namespace shop, so nothing reaches these rules through it: add its hosts to a server of the Gateway, or name one of the Gateway's",
  ]);
  for (const served of ["a.example.com", "*", "*.example.com", "shop/*", "./a.example.com"])
    assert.deepEqual(bind([served], ["a.example.com"]), [], served);
  assert.deepEqual(bind(["a.example.com"], ["*"]), []);
  assert.deepEqual(bind(["a.example.com"], ["b.example.com", "a.example.com"]), [], "one is");
});

const origin = (tls: object, more: object = {}): string =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { namespace: "shop", name: "bank" },
    spec: { host: "*.bank.example.com", trafficPolicy: { tls }, ...more },
  });

const ofRule = (model: MeshModel): readonly string[] =>
  model.engine
    .get(model.findings, "DestinationRule shop/bank")
    .map(({ code, path, message, untold }) => `${code} ${path}: ${untold ?? message}`);

test("a rule's credential is followed for gateways, of which one must have it", () => {
  const at = "spec.trafficPolicy.tls.credentialName";
  const effect =
    "so no gateway connects to the host: give it the roots that the server's certificate comes from as ca.crt";
  const model = modelOf(origin({ mode: "SIMPLE", credentialName: "bank" }));
  const untold = ["MESH0121 spec.exportTo: true"];
  assert.deepEqual(ofRule(model), untold, "there is no gateway that could connect");
  apply(model, `${pod("edge-1")}---${pod("edge-1", "other")}`);
  assert.deepEqual(ofRule(model), [
    `MESH0119 ${at}: there is no Secret edge/bank or other/bank, ${effect}`,
  ]);
  apply(model, secret("bank", { "tls.crt": CHAIN, "tls.key": KEY }));
  assert.deepEqual(ofRule(model), [`MESH0120 ${at}: Secret edge/bank has no ca.crt, ${effect}`]);
  apply(model, secret("bank-cacert", { "ca.crt": CHAIN }));
  assert.deepEqual(ofRule(model), []);
  apply(model, origin({ mode: "SIMPLE", credentialName: "bank" }, { exportTo: ["other"] }));
  assert.deepEqual(ofRule(model), [`MESH0119 ${at}: there is no Secret other/bank, ${effect}`]);
});

test("a rule needs of a Secret what its mode asks for, and as long as it is believed", () => {
  const model = modelOf(pod("edge-1"));
  const parts = (tls: object): readonly string[] => {
    apply(model, origin({ credentialName: "bank", ...tls }));
    return ofRule(model).map((line) => / as (\S+)$/.exec(line)?.[1] ?? line);
  };
  assert.deepEqual(parts({ mode: "MUTUAL" }), ["tls.key", "ca.crt"]);
  assert.deepEqual(parts({ mode: "MUTUAL", insecureSkipVerify: true }), ["tls.key"]);
  assert.deepEqual(parts({ mode: "MUTUAL", clientCertificate: "c", privateKey: "k" }), ["ca.crt"]);
  assert.deepEqual(parts({ mode: "SIMPLE", insecureSkipVerify: true }), []);
  assert.deepEqual(parts({ mode: "ISTIO_MUTUAL" }), []);

  const tls = { mode: "SIMPLE", credentialName: "bank" };
  const elsewhere = { portLevelSettings: [{ port: { number: 443 }, tls }] };
  apply(
    model,
    origin({}, { trafficPolicy: elsewhere, subsets: [{ name: "v1", trafficPolicy: { tls } }] }),
  );
  assert.deepEqual(
    ofRule(model).map((line) => line.split(" ")[1]),
    [
      "spec.trafficPolicy.portLevelSettings[0].tls.credentialName:",
      "spec.subsets[0].trafficPolicy.tls.credentialName:",
    ],
  );

  apply(model, origin(tls));
  apply(model, secret("bank", { "ca.crt": CHAIN }));
  assert.deepEqual(ofRule(model), []);
  for (const time of model.engine.get(model.times)) model.sinks.passedTimes.upsert({ time });
  assert.match(
    ofRule(model).join(),
    /MESH0120 .*edge\/bank has roots by which no server is.*renew/,
  );
});

for (const { text, is } of [
  { text: "TLSV1_2", is: undefined },
  { text: "TLS_AUTO", is: undefined },
  { text: "TLSV1_4", is: "TLSV1_4" },
  { text: "toString", is: "toString" },
])
  test(`versions of TLS are those that are known: ${text}`, () => {
    for (const field of ["minProtocolVersion", "maxProtocolVersion"]) {
      const files = { serverCertificate: "/c", privateKey: "/k" };
      const model = modelOf(
        `${pod("edge-1")}---\n${gateway({ mode: "SIMPLE", ...files, [field]: text })}`,
      );
      assert.deepEqual(
        told(model).map((line) => /^(\S+ \S+): "(\w+)"/.exec(line)?.slice(1)),
        is === undefined ? [] : [[`MESH0117 ${AT}.${field}`, is]],
      );
    }
  });
