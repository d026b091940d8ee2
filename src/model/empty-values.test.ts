/** Texts and lists that are empty, and bounds of 0, mean what unset ones mean: the API knows no difference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";

function ruleOf(trafficPolicy: object) {
  const spec = JSON.stringify({ host: "a.example.com", trafficPolicy });
  const model = modelOf(`{kind: DestinationRule, metadata: {name: a}, spec: ${spec}}`);
  const policy = model
    .mesh(model.engine)
    .policy("a.example.com", { namespace: "default", labels: {} });
  return { policy, findings: model.engine.get(model.findings, "DestinationRule default/a") };
}

const originOf = (tls: object) => ruleOf({ tls });

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

const pool = ({ tcp = {}, http = {}, probes = {} }: Record<string, object>): object => ({
  connectionPool: {
    tcp: { connectTimeout: "1s", tcpKeepalive: { time: "60s", ...probes }, ...tcp },
    http: { idleTimeout: "30s", ...http },
  },
});

test("a bound of 0 is none, and less than 0 is told and none", () => {
  const bounds = (value: number) => ({
    tcp: { maxConnections: value },
    http: {
      http1MaxPendingRequests: value,
      http2MaxRequests: value,
      maxRequestsPerConnection: value,
      maxRetries: value,
      maxConcurrentStreams: value,
    },
  });
  const without = ruleOf(pool({}));
  assert.deepEqual(ruleOf(pool({ ...bounds(0), probes: { probes: 0 } })), without);
  const { policy, findings } = ruleOf(pool(bounds(-1)));
  assert.deepEqual(policy, without.policy);
  assert.equal(findings.filter(({ code }) => code === "MESH0109").length, 6);
});
