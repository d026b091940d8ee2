import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerDestinationRule } from "./istio/destination-rule.ts";
import { mergedPolicy, policiesOf } from "./merge.ts";

const rule = (day: number, spec: object) => {
  const { value } = lowerDestinationRule(
    {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { namespace: "shop", name: `rule-${day}`, creationTimestamp: `2026-01-0${day}` },
      spec: { host: "web", ...spec },
    },
    "cluster.local",
  );
  assert.ok(value);
  return value;
};

test("rules for a host give it the oldest policy there is, and all their subsets", () => {
  const subsets = (...names: readonly string[]) =>
    names.map((name) => ({ name, labels: { version: name } }));
  const merged = mergedPolicy([
    rule(3, { trafficPolicy: { tls: { mode: "DISABLE" } }, subsets: subsets("v3", "v1") }),
    rule(2, { trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }),
    rule(1, { subsets: subsets("v1", "v2") }),
    rule(4, { exportTo: ["."], subsets: subsets("v4") }),
  ]);
  assert.equal(merged?.policy?.tls, "mutual");
  assert.deepEqual(
    merged.subsets.map(({ name }) => name),
    ["v1", "v2", "v3"],
  );
});

test("rules that select clients are apart from those that do not, oldest first", () => {
  const selecting = (day: number, labels: object) =>
    rule(day, { workloadSelector: { matchLabels: labels }, subsets: [{ name: `v${day}` }] });
  const { selective, general } = policiesOf([
    selecting(4, { app: "web", tier: "front" }),
    selecting(3, { app: "api" }),
    rule(2, {}),
    selecting(1, { tier: "front", app: "web" }),
  ]);
  assert.deepEqual(
    selective.map(({ clients, policy }) => [
      clients["app"],
      policy.subsets.map(({ name }) => name),
    ]),
    [
      ["web", ["v1", "v4"]],
      ["api", ["v3"]],
    ],
  );
  assert.deepEqual(general?.subsets, []);
});
