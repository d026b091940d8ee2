import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeploymentStatus, Pod, Service } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { addressesOf, addressWait, podTrouble, rolloutWait } from "./readiness.ts";

const done: DeploymentStatus = {
  observedGeneration: 2,
  replicas: 2,
  updatedReplicas: 2,
  readyReplicas: 2,
  availableReplicas: 2,
};

for (const { name, status, want } of [
  { name: "done", status: done, want: undefined },
  { name: "no status at all", status: undefined, want: "the rollout has not begun" },
  { name: "an old template", status: { ...done, observedGeneration: 1 }, want: "has not begun" },
  {
    name: "a pod of the old template",
    status: { ...done, replicas: 3 },
    want: "2 of 2 pods are updated",
  },
  {
    name: "too few updated",
    status: { ...done, updatedReplicas: 1 },
    want: "1 of 2 pods are updated",
  },
  { name: "not available", status: { ...done, availableReplicas: 0 }, want: "0 available" },
  {
    name: "no progress",
    status: {
      ...done,
      availableReplicas: 0,
      conditions: [
        {
          type: "Progressing",
          status: "False",
          reason: "ProgressDeadlineExceeded",
          message: "timed out",
        },
      ],
    },
    want: "no progress: timed out",
  },
])
  test(`a rollout with ${name}`, () => {
    const wait = rolloutWait({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "shop", generation: 2 },
      spec: { replicas: 2, selector: {}, template: {} },
      ...(status && { status }),
    });
    if (want === undefined) assert.equal(wait, undefined);
    else {
      assert.ok(wait?.message.includes(want), wait?.message);
      assert.ok(wait?.message.startsWith("Deployment shop/web"));
    }
  });

const service = (spec: Service["spec"], ingress: readonly object[] = []): Live<Service> => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "gateway", namespace: "mesh" },
  ...(spec && { spec }),
  status: { loadBalancer: { ingress } },
});

test("where a Service is reached depends on its type", () => {
  assert.deepEqual(
    addressesOf(service({ type: "LoadBalancer" }, [{ ip: "192.0.2.1" }, { hostname: "lb" }])),
    ["192.0.2.1", "lb"],
  );
  assert.equal(addressWait(service({ type: "LoadBalancer" }))?.reason, "AddressPending");
  assert.deepEqual(addressesOf(service({ type: "ClusterIP", clusterIPs: ["10.0.0.1"] })), [
    "10.0.0.1",
  ]);
});

const pod = (status: Pod["status"]): Live<Pod> => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-1", namespace: "shop" },
  ...(status && { status }),
});

for (const { name, status, want } of [
  { name: "nothing", status: {}, want: undefined },
  {
    name: "that it has no node",
    status: {
      conditions: [
        { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" },
      ],
    },
    want: "Unschedulable",
  },
  {
    name: "that its image is not there",
    status: {
      containerStatuses: [
        {
          name: "app",
          state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } },
        },
      ],
    },
    want: "ImagePull",
  },
  {
    name: "that a container crashes",
    status: {
      initContainerStatuses: [{ name: "init", state: { waiting: { reason: "CrashLoopBackOff" } } }],
    },
    want: "CrashLoop",
  },
])
  test(`a pod says ${name}`, () => {
    const trouble = podTrouble([pod(status as Pod["status"])]);
    assert.equal(trouble?.reason, want);
    if (want) assert.match(trouble?.message ?? "", /Pod shop\/web-1/);
  });
