/** The MeshConfig that a user writes, against the API server that judges it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { KINDS, type MeshConfig } from "../../src/api/kinds.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Client } from "../../src/kube/client.ts";
import { isApiError } from "../../src/kube/error.ts";
import { ApiServer } from "../harness/api-server.ts";
import { waitFor } from "../harness/wait.ts";

const ROOT = join(import.meta.dirname, "../..");
const CRD = join(ROOT, "crds/mesh/meshconfigs.yaml");

const meshConfigsOf = (path: string): readonly KubeObject[] =>
  parseAllDocuments(readFileSync(join(ROOT, path), "utf8"))
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object?.kind === "MeshConfig") as KubeObject[];

const meshConfig = (spec: object, name = "default"): MeshConfig => ({
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name },
  spec,
});

const refused = [
  {
    title: "a long name",
    name: "a".repeat(41),
    spec: {},
    want: /metadata\.name: must be a DNS label/,
  },
  {
    title: "a name with a dot",
    name: "my.mesh",
    spec: {},
    want: /metadata\.name: must be a DNS label/,
  },
  {
    title: "a name that makes a role of the operator's own",
    name: "credentials",
    spec: {},
    want: /metadata\.name: must not be credentials/,
  },
  { title: "a version that is none", spec: { version: "latest" }, want: /spec\.version/ },
  {
    title: "a namespace that is no name",
    spec: { controlPlane: { namespace: "Not_A_Name" } },
    want: /spec\.controlPlane\.namespace/,
  },
  {
    title: "a namespace of the cluster's own",
    spec: { controlPlane: { namespace: "kube-system" } },
    want: /spec\.controlPlane\.namespace: must not be/,
  },
  {
    title: "no replica",
    spec: { controlPlane: { replicas: 0 } },
    want: /spec\.controlPlane\.replicas/,
  },
  {
    title: "a quantity that is none",
    spec: { controlPlane: { resources: { limits: { memory: "much" } } } },
    want: /spec\.controlPlane\.resources\.limits\.memory/,
  },
  {
    title: "an unknown failure policy",
    spec: { injector: { failurePolicy: "Maybe" } },
    want: /spec\.injector\.failurePolicy/,
  },
  {
    title: "two gateways of one name",
    spec: { gateways: [{ name: "a" }, { name: "a" }] },
    want: /spec\.gateways\[1\]/,
  },
  {
    title: "a gateway of the control plane's name",
    spec: { gateways: [{ name: "meshwright-control-plane" }] },
    want: /spec\.gateways\[\]\.name: must not be default, meshwright-control-plane/,
  },
  {
    title: "a gateway with the name of every namespace's own service account",
    spec: { gateways: [{ name: "default" }] },
    want: /spec\.gateways\[\]\.name: must not be default/,
  },
  {
    title: "two ports of one number",
    spec: {
      gateways: [
        {
          name: "a",
          service: {
            ports: [
              { name: "x", port: 80, targetPort: 8080 },
              { name: "y", port: 80, targetPort: 8081 },
            ],
          },
        },
      ],
    },
    want: /spec\.gateways\[\]\.service\.ports: two of them have the same port/,
  },
  {
    title: "a low port without a target",
    spec: { gateways: [{ name: "a", service: { ports: [{ name: "x", port: 80 }] } }] },
    want: /targetPort: is required for a port below 1024/,
  },
  {
    title: "certificates that outlive their use",
    spec: { security: { workloadTTL: "9000h" } },
    want: /spec\.security\.workloadTTL: must be from 10m to 2160h/,
  },
  {
    title: "certificates that end before they are delivered",
    spec: { security: { workloadTTL: "5s" } },
    want: /spec\.security\.workloadTTL: must be from 10m to 2160h/,
  },
  {
    title: "a lifetime that is none",
    spec: { security: { workloadTTL: "" } },
    want: /spec\.security\.workloadTTL/,
  },
  {
    title: "an access log that is no path",
    spec: { mesh: { accessLogFile: "stdout" } },
    want: /spec\.mesh\.accessLogFile/,
  },
  {
    title: "a traffic policy that Istio does not have",
    spec: { mesh: { outboundTrafficPolicy: { mode: "DENY" } } },
    want: /spec\.mesh\.outboundTrafficPolicy\.mode/,
  },
];

describe("MeshConfig", () => {
  let server: ApiServer;
  let client: Client;

  before(async () => {
    server = await ApiServer.start();
    client = server.client();
    await client.create(parse(readFileSync(CRD, "utf8")) as KubeObject);
    await waitFor({ description: "kind MeshConfig", deadlineMs: 20_000 }, async () => {
      await client.list(KINDS.meshConfig);
      return true;
    });
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  test("an empty spec is a whole mesh", async () => {
    const { spec } = await client.create(meshConfig({}), { dryRun: true });
    assert.deepEqual(spec, {
      controlPlane: { namespace: "mesh-system", replicas: 2, logLevel: "info" },
      injector: { failurePolicy: "Fail" },
      gateways: [
        {
          name: "istio-ingressgateway",
          type: "Ingress",
          replicas: 1,
          drainSeconds: 30,
          service: {
            ports: [
              { name: "status-port", port: 15021, targetPort: 15021 },
              { name: "http2", port: 80, targetPort: 8080 },
              { name: "https", port: 443, targetPort: 8443 },
            ],
          },
        },
      ],
      security: { trustDomain: "cluster.local", workloadTTL: "24h" },
      images: {},
      networking: { clusterDomain: "cluster.local" },
      mesh: { accessLogFile: "", outboundTrafficPolicy: { mode: "ALLOW_ANY" } },
    });
  });

  for (const path of globSync("manifests/**/*.yaml", { cwd: ROOT }).toSorted())
    for (const mesh of meshConfigsOf(path))
      test(`${path} is a MeshConfig that is taken, to the last field`, async () => {
        await client.request({
          doing: `create ${path}`,
          method: "POST",
          path: "/apis/meshwright.dev/v1alpha1/meshconfigs",
          query: { dryRun: "All", fieldValidation: "Strict" },
          body: mesh,
        });
      });

  for (const { title, name = "default", spec, want } of refused)
    test(`${title} is refused, and the message names the field`, async () => {
      await assert.rejects(
        client.create(meshConfig(spec, name), { dryRun: true }),
        (error) => isApiError(error, 422) && want.test(error.message),
      );
    });

  test("a field that does not exist is refused when asked to be strict, as kubectl does", async () => {
    await assert.rejects(
      client.request({
        doing: "create MeshConfig default",
        method: "POST",
        path: "/apis/meshwright.dev/v1alpha1/meshconfigs",
        query: { dryRun: "All", fieldValidation: "Strict" },
        body: meshConfig({ controlPlan: {} }),
      }),
      (error) => isApiError(error, 400) && /unknown field "spec\.controlPlan"/.test(error.message),
    );
  });

  test("what running proxies depend on cannot be changed, other things can", async () => {
    const created = await client.create(meshConfig({}));
    const change = (spec: object): Promise<MeshConfig> =>
      client.merge(KINDS.meshConfig, created.metadata, { spec });
    await assert.rejects(
      change({ controlPlane: { namespace: "elsewhere" } }),
      (error) =>
        isApiError(error, 422) &&
        /spec\.controlPlane\.namespace: cannot be changed/.test(error.message),
    );
    await assert.rejects(
      change({ security: { trustDomain: "other.example" } }),
      (error) =>
        isApiError(error, 422) &&
        /spec\.security\.trustDomain: cannot be changed/.test(error.message),
    );
    // Taking the whole part away brings its defaults back, and those are what it was.
    const { spec } = await change({ controlPlane: null, mesh: { accessLogFile: "/dev/stdout" } });
    assert.equal(spec?.controlPlane?.namespace, "mesh-system");
    assert.equal(spec?.mesh?.accessLogFile, "/dev/stdout");
  });
});
