/** The samples of docs/gateways.md and docs/egress.md, applied where the pages apply them. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { Deployment } from "../api/gen/kubernetes.ts";
import type { Live, MeshConfig } from "../api/kinds.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { gateways } from "../install/gateways.ts";
import { settingsOf } from "../install/settings.ts";
import type { MeshModel } from "../model/dataflow.ts";
import { configurationOf } from "../testing/configuration.ts";
import { CREDENTIALS } from "../testing/credentials.ts";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import type { ProxyView } from "./view.ts";

const SAMPLES = join(import.meta.dirname, "../../manifests/samples");
const CATALOGUE = { version: "0.1.0", image: "meshwright:0.1.0", proxyImage: "proxy:0.1.0" };
const MESH = "mesh-system";
const SHOP = "shop";
const OTHER = "other";

const text = (path: string): string => readFileSync(join(SAMPLES, path), "utf8");

function applied(path: string, namespace: string): readonly KubeObject[] {
  const all = parseAllDocuments(text(path)).map((one) => one.toJS() as KubeObject);
  return all.map((one) => ({ ...one, metadata: { ...one.metadata, namespace } }));
}

/** Of a Service, what the model reads: the samples' own are here without their pods. */
const services = (path: string, namespace: string): readonly KubeObject[] =>
  applied(path, namespace).filter(({ kind }) => kind === "Service");

/** What the API server fills in. */
const PORTS = [
  { name: "status-port", port: 15021, targetPort: 15021 },
  { name: "http2", port: 80, targetPort: 8080 },
  { name: "https", port: 443, targetPort: 8443 },
];

/** Services of the gateways that a sample asks for, and a pod of each. */
function gatewaysOf(path: string): readonly KubeObject[] {
  const mesh = parse(text(path)) as MeshConfig;
  const all = (mesh.spec?.gateways ?? []).map((one) => ({ service: { ports: PORTS }, ...one }));
  return gateways(settingsOf({ ...mesh, spec: { gateways: all } }, CATALOGUE)).flatMap((one) => {
    if (one.kind === "Service") return [one];
    if (one.kind !== "Deployment") return [];
    const { metadata, spec } = one as Live<Deployment>;
    const { namespace, name } = metadata;
    const labels = spec?.template.metadata?.labels ?? {};
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name: `${name}-1`, labels },
    };
    return [{ ...pod, spec: spec?.template.spec, status: { podIP: "10.0.0.9" } } as KubeObject];
  });
}

function secret(name: string, data: Readonly<Record<string, string>>): KubeObject {
  const object = { apiVersion: "v1", kind: "Secret", metadata: { namespace: MESH, name }, data };
  return object;
}

const found = ({ engine, findings }: MeshModel, all: readonly KubeObject[]): readonly string[] =>
  all
    .flatMap((one) => engine.get(findings, objectName(one)))
    .map(({ object, code, path, message }) => `${object} ${code} ${path}: ${message}`);

const configured = ({ mesh, engine }: MeshModel, view: ProxyView) =>
  configurationOf(mesh(engine), view);

const gatewayPod = (name: string): ProxyView => ({
  kind: "gateway",
  namespace: MESH,
  workload: `${MESH}/${name}-1`,
  serviceAccount: name,
  labels: { istio: name.replace("istio-", "") },
});

const sidecar = (namespace: string): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload: `${namespace}/client-1`,
  serviceAccount: "client",
  labels: { app: "client" },
});

describe("the samples of docs/gateways.md", () => {
  const model = modelOf("");
  const rules = ["http", "https", "mutual", "passthrough", "tcp"].flatMap((name) =>
    applied(`gateways/${name}.yaml`, SHOP),
  );
  applyAll(model, [
    ...gatewaysOf("gateways/mesh.yaml"),
    ...["httpbin/httpbin.yaml", "tcp-echo/tcp-echo.yaml", "gateways/own-tls.yaml"].flatMap((path) =>
      services(path, SHOP),
    ),
    secret("secure-cert", CREDENTIALS.ecdsa),
    secret("mutual-cert", { ...CREDENTIALS.ecdsa, ...CREDENTIALS.roots }),
    ...rules,
  ]);

  test("nothing is wrong with them", () => {
    assert.equal(rules.length, 10);
    assert.deepEqual(found(model, rules), []);
  });

  test("each gateway listens where its Service sends connections", () => {
    const listening = (name: string): readonly string[] =>
      Object.keys(configured(model, gatewayPod(name)).Listener ?? {}).filter((listener) =>
        listener.startsWith("0.0.0.0_"),
      );
    const ports = (name: string): readonly string[] => listening(name).toSorted();
    assert.deepEqual(ports("istio-ingressgateway"), ["0.0.0.0_8080", "0.0.0.0_8443"]);
    assert.deepEqual(ports("edge"), ["0.0.0.0_9000"]);
  });
});

describe("the samples of docs/egress.md", () => {
  const world = (path: string, namespace: string) => {
    const model = modelOf("");
    const rules = applied(path, namespace);
    const roots = secret("upgraded-roots", CREDENTIALS.roots);
    applyAll(model, [...gatewaysOf("egress/mesh.yaml"), roots, ...rules]);
    return { model, rules };
  };

  for (const name of globSync("*.yaml", { cwd: join(SAMPLES, "egress") }).sort()) {
    if (name === "mesh.yaml") continue;
    test(`in the control plane's namespace nothing is wrong with ${name}`, () => {
      const { model, rules } = world(`egress/${name}`, MESH);
      assert.ok(rules.length >= 3);
      assert.deepEqual(found(model, rules), []);
    });
  }

  test("there, applications of every namespace have the way to the egress gateway", () => {
    const way = `outbound|8443|upgraded|istio-egressgateway.${MESH}.svc.cluster.local`;
    const has = (where: string, who: string): boolean => {
      const { model } = world("egress/tls-origination.yaml", where);
      return Object.hasOwn(configured(model, sidecar(who)).Cluster ?? {}, way);
    };
    assert.deepEqual([has(MESH, SHOP), has(MESH, OTHER)], [true, true]);
    assert.deepEqual([has(SHOP, SHOP), has(SHOP, OTHER)], [true, false], "why it is applied there");
  });
});
