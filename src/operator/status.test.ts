import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshConfig } from "../api/kinds.ts";
import { isSameStatus, type Report, statusOf } from "./status.ts";

const NOW = new Date("2026-01-01T00:00:00Z");
const LATER = new Date("2026-01-01T01:00:00Z");

const mesh: MeshConfig = {
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "default", generation: 3 },
};
const done: Report = { waits: [], version: "1.0.0", deployments: [], gateways: [] };
const rolling: Report = {
  ...done,
  waits: [{ stage: "ControlPlane", reason: "RollingOut", message: "0 of 2 pods" }],
  blockedAt: "ControlPlane",
};

const lines = (status: MeshConfig["status"]): string[] =>
  (status?.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value}/${reason}`);

test("a mesh that works", () => {
  const status = statusOf(mesh, done, NOW);
  assert.equal(status.phase, "Ready");
  assert.equal(status.observedGeneration, 3);
  assert.equal(status.version?.active, "1.0.0");
  assert.deepEqual(lines(status), [
    "Accepted=True/Valid",
    "Ready=True/AllReady",
    "CRDsReady=True/Established",
    "ControlPlaneReady=True/RolledOut",
    "InjectorReady=True/ProbePassed",
    "GatewaysReady=True/Programmed",
  ]);
});

test("an install says what it waits for, and nothing of what comes after", () => {
  const status = statusOf(mesh, rolling, NOW);
  assert.equal(status.phase, "Installing");
  assert.equal(status.message, "0 of 2 pods");
  assert.deepEqual(lines(status), [
    "Accepted=True/Valid",
    "Ready=False/ControlPlaneNotReady",
    "CRDsReady=True/Established",
    "ControlPlaneReady=False/RollingOut",
    "InjectorReady=Unknown/Waiting",
    "GatewaysReady=Unknown/Waiting",
    "Reconciling=True/Progressing",
  ]);
});

test("what worked before is degraded, not installing, and keeps its version", () => {
  const status = statusOf({ ...mesh, status: statusOf(mesh, done, NOW) }, rolling, LATER);
  assert.equal(status.phase, "Degraded");
  assert.equal(status.version?.active, "1.0.0");
});

test("the version that the spec asks for is told, also where this operator is of another", () => {
  const versionOf = (spec: MeshConfig["spec"]) =>
    statusOf({ ...mesh, ...(spec && { spec }) }, rolling, NOW).version;
  assert.deepEqual(versionOf({ version: "v2.0.0" }), { desired: "2.0.0", operator: "1.0.0" });
  assert.deepEqual(versionOf({}), { desired: "1.0.0", operator: "1.0.0" });
});

test("waiting that will not help is Stalled, and then not Reconciling", () => {
  const [wait] = rolling.waits;
  assert.ok(wait);
  const status = statusOf(mesh, { ...rolling, waits: [{ ...wait, stalled: true }] }, NOW);
  assert.equal(status.phase, "Failed");
  assert.ok(lines(status).includes("Stalled=True/RollingOut"));
  assert.ok(!lines(status).some((line) => line.startsWith("Reconciling")));
});

test("a refused spec says nothing of what runs", () => {
  const refusal = { reason: "Conflict", message: "MeshConfig a is older" };
  assert.deepEqual(lines(statusOf(mesh, { ...done, refusal }, NOW)), [
    "Accepted=False/Conflict",
    "Ready=False/Conflict",
    "Stalled=True/Conflict",
  ]);
});

test("nothing new is the same status; a transition has the time when it happened", () => {
  const first = statusOf(mesh, rolling, NOW);
  assert.ok(isSameStatus(first, statusOf({ ...mesh, status: first }, rolling, LATER)));
  const second = statusOf({ ...mesh, status: first }, done, LATER);
  const timeOf = (type: string): string | undefined =>
    second.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
  assert.equal(timeOf("Accepted"), "2026-01-01T00:00:00Z");
  assert.equal(timeOf("Ready"), "2026-01-01T01:00:00Z");
});
