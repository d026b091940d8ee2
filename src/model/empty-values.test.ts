/** Texts and lists that are empty mean what unset ones mean: the API knows no difference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";

function originOf(tls: object) {
  const spec = JSON.stringify({ host: "a.example.com", trafficPolicy: { tls } });
  const model = modelOf(`{kind: DestinationRule, metadata: {name: a}, spec: ${spec}}`);
  const policy = model
    .mesh(model.engine)
    .policy("a.example.com", { namespace: "default", labels: {} });
  return { policy, findings: model.engine.get(model.findings, "DestinationRule default/a") };
}

function serverOf(tls: object) {
  const servers = [{ port: { number: 443, name: "a", protocol: "HTTPS" }, hosts: ["*"], tls }];
  const spec = JSON.stringify({ selector: { istio: "e" }, servers });
  const pod = `{kind: Pod, metadata: {name: e, labels: {istio: e, meshwright.dev/proxy: gateway}}}`;
  const model = modelOf(`${pod}\n---\n{kind: Gateway, metadata: {name: a}, spec: ${spec}}`);
  return {
    servers: model.mesh(model.engine).gateways({ istio: "e" })[0]?.servers,
    findings: model.engine.get(model.findings, "Gateway default/a"),
  };
}

for (const { of, own, empty } of [
  { of: originOf, own: { mode: "SIMPLE" }, empty: { sni: "" } },
  { of: originOf, own: { mode: "MUTUAL" }, empty: { credentialName: "" } },
  {
    of: originOf,
    own: { mode: "MUTUAL", credentialName: "cert" },
    empty: { caCertificates: "", caCrl: "", clientCertificate: "", privateKey: "" },
  },
  {
    of: serverOf,
    own: { mode: "MUTUAL", credentialName: "cert" },
    empty: { serverCertificate: "", privateKey: "", caCertificates: "", caCrl: "" },
  },
  {
    of: serverOf,
    own: { mode: "MUTUAL", credentialName: "cert" },
    empty: { credentialNames: [], caCertCredentialName: "" },
  },
  {
    of: serverOf,
    own: { mode: "SIMPLE", serverCertificate: "/c.pem", privateKey: "/k.pem" },
    empty: { tlsCertificates: [] },
  },
])
  test(`of ${own.mode}, empty means unset: ${Object.keys(empty).join(", ")}`, () => {
    assert.deepEqual(of({ ...own, ...empty }), of(own));
  });
