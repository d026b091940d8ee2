import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot } from "../ca/root.ts";
import { modelOf } from "../testing/fixtures.ts";
import { ExpiryClock } from "./expiry.ts";

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);

const secretLasting = async (name: string, ttlMs: number) => {
  const now = new Date(START);
  const root = await createRoot({ trustDomain: "example.com", now, ttlMs });
  const data = { "tls.crt": root["ca-cert.pem"], "tls.key": root["ca-key.pem"] };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "edge", name },
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    ),
  };
};

const POD = `
kind: Pod
metadata: {name: edge-1, namespace: edge, labels: {istio: edge, meshwright.dev/proxy: gateway}}
---
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: edge}
  servers:
    - {port: {number: 443, name: web, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: SIMPLE, credentialName: cert}}
`;

test("a certificate that expires is told of as it does, however far away that is, until another comes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: START });
  const model = modelOf(POD);
  const clock = new ExpiryClock(model);
  t.after(() => clock.stop());
  const told = () => model.engine.get(model.findings, "Gateway default/edge");
  assert.match(told()[0]?.message ?? "", /^there is no Secret edge\/cert/);
  model.sinks.secrets.upsert(await secretLasting("cert", 40 * DAY_MS));
  t.mock.timers.tick(0);
  assert.deepEqual(told(), []);
  t.mock.timers.tick(39 * DAY_MS);
  assert.deepEqual(told(), []);
  t.mock.timers.tick(DAY_MS);
  assert.deepEqual(
    told().map(({ code, path, message }) => `${code} ${path}: ${message}`),
    [
      'MESH0120 spec.servers[0].tls.credentialName: Secret edge/cert has a certificate that clients refuse, for it expired at 2026-02-10T00:00:00.000Z (server "web"): renew it',
    ],
  );
  model.sinks.secrets.upsert(await secretLasting("cert", 80 * DAY_MS));
  t.mock.timers.tick(0);
  assert.deepEqual(told(), []);
});
