import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { ClusterRole, Deployment, PolicyRule } from "../api/gen/kubernetes.ts";
import { kindOf, type Live, type MeshConfig } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { golden } from "../testing/golden.ts";
import { type Facts, render } from "./render.ts";
import { type Catalogue, settingsOf } from "./settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const CATALOGUE: Catalogue = {
  version: "0.1.0",
  image: "meshwright.local/meshwright:0.1.0",
  proxyImage: "meshwright.local/meshwright-proxy:0.1.0",
};
const FACTS: Facts = {
  ownsNamespace: true,
  crds: [],
  trust: { data: { "root-cert.pem": "ROOT" }, rootsPem: "ROOT" },
  injectionWorks: true,
};

const rendered = (mesh: MeshConfig): readonly KubeObject[] =>
  render(settingsOf(mesh, CATALOGUE), FACTS).flatMap(({ objects }) => objects);

/** The proxy's own part of a gateway's pod has goldens where it is made. */
const withoutProxy = (name: string, value: unknown): unknown =>
  name === "args" && JSON.stringify(value).includes("--config-yaml") ? [] : value;

golden(join(import.meta.dirname, "testdata"), (mesh: MeshConfig) =>
  JSON.parse(JSON.stringify(render(settingsOf(mesh, CATALOGUE), FACTS), withoutProxy)),
);

const bare: MeshConfig = {
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "default" },
};

test("as long as injection was not seen to work, no pod is refused", () => {
  const settings = settingsOf(bare, CATALOGUE);
  const webhooks = render(settings, { ...FACTS, injectionWorks: false })
    .flatMap(
      ({ objects }) =>
        objects as (KubeObject & { webhooks?: { name: string; failurePolicy: string }[] })[],
    )
    .flatMap((object) => object.webhooks ?? []);
  const refusing = webhooks.filter(({ failurePolicy }) => failurePolicy === "Fail");
  assert.deepEqual(
    refusing.map(({ name }) => name),
    ["probe.injector.meshwright.dev"],
  );
});

test("nothing carries an owner, and every object is of a kind in the table", () => {
  const objects = rendered(bare);
  assert.ok(objects.length > 10);
  for (const object of objects) {
    kindOf(object);
    assert.equal(object.metadata.ownerReferences, undefined);
  }
});

test("a change of what the control plane reads at start makes new pods, another change does not", () => {
  const rollout = (spec: MeshConfig["spec"]): unknown => {
    const object = rendered({ ...bare, ...(spec && { spec }) }).find(
      ({ kind, metadata }) => kind === "Deployment" && metadata.name === "meshwright-control-plane",
    ) as Live<{ spec: { template: { metadata: { annotations: unknown } } } }>;
    return object.spec.template.metadata.annotations;
  };
  assert.deepEqual(rollout({ gateways: [{ name: "a" }] }), rollout({}));
  assert.notDeepEqual(rollout({ mesh: { accessLogFile: "/dev/stdout" } }), rollout({}));
});

test("an edit of a gateway's labels leaves its selectors, which cannot change, as they are", () => {
  const selectors = (labels: Record<string, string>): readonly unknown[] =>
    rendered({ ...bare, spec: { gateways: [{ name: "edge", replicas: 2, labels }] } })
      .filter(({ metadata }) => metadata.name === "edge")
      .flatMap(({ spec }) => (spec as { selector?: unknown } | undefined)?.selector ?? []);
  const before = selectors({ istio: "edge" });
  assert.equal(before.length, 3, "of Service, Deployment and PodDisruptionBudget");
  assert.deepEqual(selectors({ istio: "front", team: "shop" }), before);
});

test("a gateway's pod has each port once, whatever ports of its Service lead there", () => {
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "alt", port: 8080 },
    { name: "metrics", port: 15090 },
    { name: "health", port: 15021 },
  ];
  const objects = rendered({ ...bare, spec: { gateways: [{ name: "edge", service: { ports } }] } });
  const { spec } = objects.find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === "edge",
  ) as Live<Deployment>;
  assert.deepEqual(
    spec?.template.spec?.containers[0]?.ports?.map(({ containerPort }) => containerPort),
    [8080, 15021, 15090],
  );
});

test("no gateway may have a name of the mesh's own", () => {
  const own = rendered({ ...bare, spec: { gateways: [] } }).filter(({ kind }) =>
    ["Deployment", "Service", "ServiceAccount", "PodDisruptionBudget"].includes(kind),
  );
  const crd = parse(readFileSync(join(ROOT, "crds/mesh/meshconfigs.yaml"), "utf8")) as KubeObject;
  const [, refused] =
    /!\(self in (\['default', 'meshwright-.*?\])\)/.exec(JSON.stringify(crd)) ?? [];
  for (const { kind, metadata } of own)
    assert.ok(refused?.includes(`'${metadata.name}'`), `${kind} ${metadata.name}`);
});

test("no mesh may have a name that makes a role of the operator's own", () => {
  const crd = readFileSync(join(ROOT, "crds/mesh/meshconfigs.yaml"), "utf8");
  const names = (objects: readonly KubeObject[]): string[] =>
    objects.filter(({ kind }) => kind.startsWith("ClusterRole")).map((one) => one.metadata.name);
  const taken = names(operatorManifest());
  assert.ok(taken.length > 3);
  const [prefix = ""] = names(rendered(bare)).map((name) => name.replace(/default$/, ""));
  const refused = taken.filter((name) => name.startsWith(prefix));
  assert.equal(refused.length, 1);
  for (const name of refused)
    assert.ok(crd.includes(`rule: self.metadata.name != '${name.slice(prefix.length)}'`), name);
});

const operatorManifest = (): readonly KubeObject[] =>
  parseAllDocuments(readFileSync(join(ROOT, "manifests/operator.yaml"), "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );

test("the operator's manifest brings the definition of MeshConfig as it is", () => {
  const definition = parse(
    readFileSync(join(ROOT, "crds/mesh/meshconfigs.yaml"), "utf8"),
  ) as unknown;
  assert.deepEqual(operatorManifest()[0], definition);
});

test("the operator may grant the control plane what it needs: it holds all of it itself", () => {
  const rulesOf = (object: KubeObject): readonly PolicyRule[] =>
    (object as Live<ClusterRole>).rules ?? [];
  const own = operatorManifest()
    .filter(
      ({ kind, metadata }) => kind === "ClusterRole" && metadata.name === "meshwright-operator",
    )
    .flatMap(rulesOf);
  const granted = rendered(bare)
    .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
    .flatMap(rulesOf);
  assert.ok(granted.length > 5);
  const missing = granted
    .flatMap(permissions)
    .filter((one) => !own.some((rule) => allows(rule, one)));
  assert.deepEqual(missing, [], "add them to manifests/operator.yaml");
});

interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly verb: string;
}

const permissions = (rule: PolicyRule): Permission[] =>
  (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      (rule.resourceNames ?? [undefined]).flatMap((name) =>
        rule.verbs.map((verb) => ({ group, resource, name, verb })),
      ),
    ),
  );

const allows = (rule: PolicyRule, { group, resource, name, verb }: Permission): boolean =>
  (rule.apiGroups ?? []).includes(group) &&
  (rule.resources ?? []).includes(resource) &&
  rule.verbs.includes(verb) &&
  (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name)));
