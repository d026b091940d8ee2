import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../../testing/fixtures.ts";
import { hashPolicy } from "./hash.ts";

function cookieOf(httpCookie: object) {
  const trafficPolicy = { loadBalancer: { consistentHash: { httpCookie } } };
  const spec = JSON.stringify({ host: "a.example.com", trafficPolicy });
  const model = modelOf(`{kind: DestinationRule, metadata: {name: a}, spec: ${spec}}`);
  const rule = model
    .mesh(model.engine)
    .policy("a.example.com", { namespace: "default", labels: {} });
  return hashPolicy(rule?.policy?.balancing?.balancer)[0]?.cookie;
}

test("the mesh sets a cookie only if the rule says how long it lasts", () => {
  assert.deepEqual(cookieOf({ name: "at" }), { name: "at" });
  assert.deepEqual(cookieOf({ name: "at", ttl: "0s" })?.ttl, "0s");
  assert.deepEqual(cookieOf({ name: "at", ttl: "60s" })?.ttl, "60s");
});
