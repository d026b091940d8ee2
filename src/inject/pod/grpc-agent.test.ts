import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { golden } from "../../testing/golden.ts";
import { INJECTION, readable } from "../../testing/pod.ts";
import { injectGrpcAgent } from "./grpc-agent.ts";
import { templateOf } from "./templates.ts";
import type { PodDraft } from "./workload.ts";

const inject = (pod: PodDraft): PodDraft => injectGrpcAgent(pod, INJECTION, "Pod shop/web").pod;

golden(join(import.meta.dirname, "testdata/grpc-agent"), (pod: PodDraft) => readable(inject(pod)));

const asking = (templates?: string): PodDraft => ({
  metadata: { ...(templates && { annotations: { "inject.istio.io/templates": templates } }) },
  spec: { containers: [{ name: "app", image: "app" }] },
});

test("the template is asked for by name, among others too", () => {
  for (const templates of ["grpc-agent", "sidecar, grpc-agent"])
    assert.equal(templateOf(asking(templates), "Pod shop/web"), "grpc-agent", templates);
  for (const templates of [undefined, "", "sidecar"])
    assert.equal(templateOf(asking(templates), "Pod shop/web"), "sidecar", templates);
});

test("injecting twice is injecting once", () => {
  const once = inject(asking("grpc-agent"));
  assert.deepEqual(inject(once), once);
});

test("a container that knows its control plane keeps it", () => {
  const env = [{ name: "GRPC_XDS_BOOTSTRAP", value: "/own.json" }];
  const pod = asking("grpc-agent");
  const { containers } = inject({
    ...pod,
    spec: { containers: [{ name: "app", image: "app", env }] },
  }).spec;
  assert.deepEqual(containers[0]?.env, env);
});

test("the agent sheds load near the memory limit that the pod's own istio-proxy has", () => {
  const own = { name: "istio-proxy", image: "auto", resources: { limits: { memory: "100M" } } };
  const pod = asking("grpc-agent");
  const { initContainers = [] } = inject({
    ...pod,
    spec: { containers: [...pod.spec.containers, own] },
  }).spec;
  assert.deepEqual(initContainers[0]?.resources, own.resources);
  assert.match(initContainers[0].args?.join(" ") ?? "", /"maxHeapSizeBytes":95000000\b/);
});

test("the agent has the volumes that the pod gives it", () => {
  const pod = asking("grpc-agent");
  const { spec } = inject({
    ...pod,
    metadata: {
      annotations: {
        "sidecar.istio.io/userVolume": '[{"name": "roots", "emptyDir": {}}]',
        "sidecar.istio.io/userVolumeMount": '[{"name": "roots", "mountPath": "/etc/roots"}]',
      },
    },
  });
  assert.deepEqual(spec.volumes?.[1], { name: "roots", emptyDir: {} });
  assert.deepEqual(spec.initContainers?.[0]?.volumeMounts?.[1], {
    name: "roots",
    mountPath: "/etc/roots",
  });
});
