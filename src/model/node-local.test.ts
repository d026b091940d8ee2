import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../testing/fixtures.ts";

for (const { spec, want } of [
  { spec: "clusterIP: 10.96.0.1, internalTrafficPolicy: Local", want: true },
  { spec: "clusterIP: 10.96.0.1, internalTrafficPolicy: Cluster", want: undefined },
  { spec: "clusterIP: 10.96.0.1", want: undefined },
  // What comes to a cluster IP is meant, and it has none.
  { spec: "clusterIP: None, internalTrafficPolicy: Local", want: undefined },
  {
    spec: "type: ExternalName, externalName: a.example.com, internalTrafficPolicy: Local",
    want: undefined,
  },
])
  test(`traffic of {${spec}} ${want ? "stays" : "does not stay"} on its node`, () => {
    const { mesh, engine } = modelOf(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {${spec}, ports: [{name: http, port: 80}]}`);
    const service = mesh(engine).service("web.default.svc.cluster.local", "default");
    assert.equal(service?.nodeLocal, want);
  });
