import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshConfigSpecMesh } from "../api/gen/mesh-config.ts";
import { meshFaults } from "../model/istio/mesh-config.ts";
import { specWait } from "./preflight.ts";

const wait = (mesh: MeshConfigSpecMesh) =>
  specWait(
    {
      apiVersion: "meshwright.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: { name: "default" },
      spec: { mesh },
    },
    { faultsOf: meshFaults },
  );

test("a format with which proxies would refuse their listeners is no spec to follow", () => {
  const { reason, message } = wait({ accessLogFormat: "%FOO%" }) ?? {};
  assert.equal(reason, "InvalidSpec");
  assert.match(message ?? "", /^spec\.mesh\.accessLogFormat: "%FOO%" is no command .*: name one/);
});

test("each fault is told, but for a crowd", () => {
  const { message = "" } = wait({ tlsDefaults: { cipherSuites: ["A", "B"] } }) ?? {};
  assert.match(
    message,
    /cipherSuites\[0\]: "A" .*; spec\.mesh\.tlsDefaults\.cipherSuites\[1\]: "B"/,
  );
  const crowd = wait({ tlsDefaults: { cipherSuites: Array.from({ length: 40 }, () => "A") } });
  assert.match(crowd?.message ?? "", /cipherSuites\[4\]: "A" [^;]*; and 35 more$/);
});

test("what can be followed all the same is no reason to refuse", () => {
  const warning = {
    code: "MESH0110",
    level: "warning",
    object: "MeshConfig default",
    path: "spec.mesh",
    message: "it has no effect",
  } as const;
  const mesh = { apiVersion: "v1", kind: "MeshConfig", metadata: { name: "default" } };
  assert.equal(specWait(mesh, { faultsOf: () => [warning] }), undefined);
  assert.equal(wait({ accessLogFormat: "%PROTOCOL%" }), undefined);
  assert.equal(wait({}), undefined);
});
