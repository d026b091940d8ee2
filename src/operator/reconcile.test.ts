import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrue } from "../api/conditions.ts";
import type { Kind, MeshConfig } from "../api/kinds.ts";
import { MANAGED_BY, MANAGER, MESH } from "../api/labels.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { isManaged } from "../install/metadata.ts";
import { identity } from "../install/plan.ts";
import type { ApplyOptions, Client, Ref } from "../kube/client.ts";
import { ApiError } from "../kube/error.ts";
import type { Happening } from "../kube/events.ts";
import type { Request } from "../kube/transport.ts";
import { silent } from "../util/log.ts";
import { Applied } from "./applied.ts";
import { type Deps, FINALIZER } from "./deps.ts";
import { reconcile } from "./reconcile.ts";

const NOW = new Date("2030-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const VERSION = "0.1.0";
const { signal } = new AbortController();

const meshWith = (
  gateways: NonNullable<MeshConfig["spec"]>["gateways"],
  status: MeshConfig["status"] = { conditions: [] },
): MeshConfig => ({
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "default", finalizers: [FINALIZER] },
  spec: { controlPlane: { replicas: 1 }, ...(gateways && { gateways }) },
  status,
});
const READY: MeshConfig["status"] = {
  version: { active: VERSION },
  conditions: ["Ready", "CRDsReady", "ControlPlaneReady", "InjectorReady", "GatewaysReady"].map(
    (type) => ({
      type,
      status: "True",
      reason: "AllReady",
      message: "",
      lastTransitionTime: "2029-01-01T00:00:00Z",
    }),
  ),
};
const rolledOut = {
  metadata: { name: "meshwright-control-plane" },
  spec: { replicas: 1, selector: {}, template: {} },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
};

const DEFINITION: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "virtualservices.networking.istio.io" },
  spec: {
    group: "networking.istio.io",
    scope: "Namespaced",
    names: { kind: "VirtualService", plural: "virtualservices" },
    versions: [{ name: "v1", storage: true }],
  },
};
/** Of an API server with the definitions of Istio 1.21. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  "/version": { major: "1", minor: "35" },
  "/apis": { groups: [{ versions: [{ groupVersion: "networking.istio.io/v1beta1" }] }] },
};

const keyOf = ({ namespace, name }: Ref): string => (namespace ? `${namespace}/${name}` : name);

/** A cluster in which whatever is written works at once, but for what is refused. */
class Cluster {
  /** What somebody made before. */
  readonly live = new Map<string, KubeObject>();
  /** What a write of it is answered with. */
  readonly refusals = new Map<string, number>();
  /** Deployments and Services as they are, where it matters. */
  readonly seen = new Map<string, unknown>();
  definitions: readonly KubeObject[] = [];
  owned: readonly KubeObject[] = [];
  deployments: readonly unknown[] = [];
  root = "root";
  readonly applied: string[] = [];
  readonly deleted: string[] = [];
  readonly said: string[] = [];
  status: MeshConfig["status"];
  readonly #mesh: MeshConfig;
  readonly #client: Client;
  readonly #applied: Applied;

  constructor(mesh: MeshConfig) {
    this.#mesh = mesh;
    this.#client = {
      request: async ({ path }: Request) => ANSWERS[path],
      list: async () => [],
      remove: async (_: Kind, ref: Ref) => this.deleted.push(keyOf(ref)),
      get: async ({ kind }: Kind, ref: Ref) => this.live.get(`${kind} ${keyOf(ref)}`),
      apply: async (object: KubeObject, { subresource }: ApplyOptions) =>
        subresource ? this.#applyStatus(object) : this.#apply(object),
    } as unknown as Client;
    this.#applied = new Applied(this.#client);
  }

  /** @param notAfter until when the CA is good */
  reconcile(notAfter = new Date(NOW.getTime() + HOUR_MS)): Promise<number> {
    return reconcile(this.#mesh, this.#deps(notAfter), signal);
  }

  isTrue(condition: string): boolean {
    return isTrue(this.status?.conditions, condition);
  }

  reasonOf(condition: string): string | undefined {
    return this.status?.conditions?.find(({ type }) => type === condition)?.reason;
  }

  #apply(object: KubeObject): KubeObject {
    const name = objectName(object);
    const status = this.refusals.get(name);
    if (status !== undefined)
      throw new ApiError(`apply ${name}`, { status, reason: "", message: "no" });
    const resourceVersion = String(this.applied.push(name));
    const live = { ...object, metadata: { ...object.metadata, resourceVersion } };
    this.live.set(name, live);
    return live;
  }

  #applyStatus(mesh: KubeObject): KubeObject {
    this.status = mesh.status as MeshConfig["status"];
    return mesh;
  }

  #deps(notAfter: Date): Deps {
    const { root } = this;
    return {
      client: this.#client,
      world: {
        meshes: () => [this.#mesh],
        owned: () => new Map(this.owned.map((object) => [identity(object), object])),
        live: (object: KubeObject) => {
          const found = this.live.get(objectName(object));
          return found && (found === DEFINITION || isManaged(found)) ? found : undefined;
        },
        find: ({ kind }: Kind, key: string) =>
          this.seen.get(`${kind} ${key}`) ?? (kind === "Deployment" ? rolledOut : undefined),
        deployments: () => this.deployments,
        learn: () => {},
      },
      applied: this.#applied,
      trust: {
        ensure: async () => ({ data: { root }, rootsPem: root, fingerprint: root, notAfter }),
      },
      probes: { xds: async () => undefined, injection: async () => undefined },
      events: { emit: async (_: unknown, { message }: Happening) => this.said.push(message) },
      catalogue: { version: VERSION, image: "", proxyImage: "" },
      crds: this.definitions,
      faultsOf: () => [],
      log: silent,
      now: () => NOW,
    } as unknown as Deps;
  }
}

for (const { title, leftMs, wantMs } of [
  { title: "when its CA expires", leftMs: HOUR_MS, wantMs: HOUR_MS },
  { title: "at the latest in a day", leftMs: 10 * 365 * 24 * HOUR_MS, wantMs: 24 * HOUR_MS },
])
  test(`a mesh that works is looked at again ${title}`, async () => {
    const cluster = new Cluster(meshWith([]));
    assert.equal(await cluster.reconcile(new Date(NOW.getTime() + leftMs)), wantMs);
  });

for (const { title, status } of [
  { title: "is installed", status: undefined },
  { title: "works", status: READY },
])
  test(`a mesh that ${title} is whole but for the gateway whose namespace is missing`, async () => {
    const gateways = [{ name: "lost", namespace: "edge" }, { name: "found" }];
    const cluster = new Cluster(meshWith(gateways, status));
    for (const name of ["meshwright-control-plane-credentials", "lost"])
      for (const kind of ["RoleBinding", "ServiceAccount", "Service", "Deployment"])
        cluster.refusals.set(`${kind} edge/${name}`, 404);
    assert.ok(await cluster.reconcile(), "it is looked at again");
    for (const name of [
      "Deployment mesh-system/meshwright-control-plane",
      "MutatingWebhookConfiguration meshwright-default",
      "Deployment mesh-system/found",
    ])
      assert.ok(cluster.applied.includes(name), name);
    assert.deepEqual(
      ["ControlPlaneReady", "InjectorReady", "GatewaysReady"].map((type) => cluster.isTrue(type)),
      [true, true, false],
    );
    assert.match(cluster.status?.message ?? "", /RoleBinding edge\/.* is not there, a namespace/);
    assert.equal(cluster.status?.phase, "Failed");
  });

const shopService = (metadata: Partial<KubeObject["metadata"]>): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop", ...metadata },
});
for (const { title, metadata, isTaken } of [
  { title: "nobody says whose it is", metadata: {}, isTaken: false },
  { title: "another tool made it", metadata: { labels: { [MANAGED_BY]: "Helm" } }, isTaken: false },
  { title: "it bears our label", metadata: { labels: { [MANAGED_BY]: MANAGER } }, isTaken: true },
  {
    title: "we wrote it, and its labels were edited",
    metadata: { managedFields: [{ manager: MANAGER, operation: "Apply" }] },
    isTaken: true,
  },
])
  test(`a gateway takes what has its name if ${title}: ${isTaken}`, async () => {
    const gateways = [{ name: "web", namespace: "shop" }, { name: "other" }];
    const cluster = new Cluster(meshWith(gateways));
    cluster.live.set("Service shop/web", shopService(metadata));
    await cluster.reconcile();
    const written = cluster.applied.filter((name) => name.endsWith(" shop/web"));
    assert.deepEqual(written.length > 0, isTaken, written.join());
    assert.ok(cluster.applied.includes("Deployment mesh-system/other"), "others are made");
    assert.equal(cluster.reasonOf("GatewaysReady"), isTaken ? "Programmed" : "Conflict");
    if (!isTaken)
      assert.match(cluster.status?.message ?? "", /^Service shop\/web .* left as it is/);
  });

test("a write that the API server fails to do is not passed over in the status", async () => {
  const cluster = new Cluster(meshWith([{ name: "web" }], READY));
  cluster.refusals.set("Service mesh-system/web", 500);
  assert.equal(await cluster.reconcile(), 5_000);
  assert.equal(cluster.reasonOf("GatewaysReady"), "WriteFailed");
  assert.ok(!cluster.isTrue("Ready"));
  assert.equal(cluster.reasonOf("Stalled"), undefined);
  assert.match(cluster.status?.message ?? "", /refused to apply Service mesh-system\/web: no/);
  assert.ok(cluster.applied.includes("Deployment mesh-system/web"), "the rest is written");
});

test("a definition of somebody else's that is too old stops the install, in words", async () => {
  const cluster = new Cluster(meshWith([]));
  cluster.definitions = [DEFINITION];
  cluster.live.set(objectName(DEFINITION), DEFINITION);
  await cluster.reconcile();
  assert.equal(cluster.reasonOf("CRDsReady"), "OutdatedDefinition");
  assert.equal(
    cluster.status?.message,
    "CustomResourceDefinition virtualservices.networking.istio.io is somebody else's and does not serve v1: upgrade it",
  );
  assert.deepEqual(cluster.applied, ["Namespace mesh-system"]);
});

const serviceOf = (name: string, addresses: readonly string[]): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "mesh-system", uid: name },
  spec: { type: "LoadBalancer" },
  status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
});
const pending = {
  ...rolledOut,
  kind: "Deployment",
  status: { ...rolledOut.status, availableReplicas: 0 },
};
for (const { title, deployment, deleted } of [
  { title: "only waits for the address that it holds", deployment: rolledOut, deleted: true },
  { title: "does not run yet", deployment: pending, deleted: false },
])
  test(`a gateway of another name goes while the new one ${title}: ${deleted}`, async () => {
    const cluster = new Cluster(meshWith([{ name: "new" }], READY));
    cluster.owned = [serviceOf("old", ["192.0.2.1"])];
    cluster.seen.set("Service mesh-system/new", serviceOf("new", []));
    cluster.seen.set("Deployment mesh-system/new", deployment);
    await cluster.reconcile();
    assert.ok(!cluster.isTrue("GatewaysReady"));
    assert.deepEqual(cluster.deleted, deleted ? ["mesh-system/old"] : []);
  });

for (const { title, refused } of [
  { title: "works", refused: undefined },
  { title: "waits", refused: "ConfigMap mesh-system/meshwright-control-plane" },
])
  test(`each gateway has a state of its own while the control plane ${title}`, async () => {
    const names = ["up", "down", "unreached", "unknown"];
    const cluster = new Cluster(
      meshWith(
        names.map((name) => ({ name })),
        READY,
      ),
    );
    for (const name of ["up", "down"])
      cluster.seen.set(`Service mesh-system/${name}`, serviceOf(name, ["192.0.2.1"]));
    cluster.seen.set("Service mesh-system/unreached", serviceOf("unreached", []));
    cluster.seen.set("Deployment mesh-system/down", pending);
    if (refused) cluster.refusals.set(refused, 403);
    await cluster.reconcile();
    assert.deepEqual(
      cluster.status?.gateways?.map(({ name, ready }) => [name, ready]),
      [
        ["up", true],
        ["down", false],
        ["unreached", false],
        ["unknown", false],
      ],
    );
  });

test("a spec that is refused hides nothing of what runs, and is looked at again", async () => {
  const gateway = { name: "up", namespace: "mesh-system", addresses: ["192.0.2.1"], ready: true };
  const down = { ...gateway, name: "down" };
  const mesh = meshWith([{ name: "other" }], { ...READY, gateways: [gateway, down] });
  const cluster = new Cluster({ ...mesh, spec: { ...mesh.spec, version: "9.9.9" } });
  cluster.seen.set("Service mesh-system/up", serviceOf("up", ["192.0.2.1"]));
  cluster.deployments = [rolledOut];
  assert.equal(await cluster.reconcile(), 24 * HOUR_MS);
  assert.equal(cluster.reasonOf("Accepted"), "UnsupportedVersion");
  assert.deepEqual(cluster.status?.gateways, [gateway, { ...down, addresses: [], ready: false }]);
  assert.deepEqual(
    cluster.status?.components?.map(({ name }) => name),
    ["meshwright-control-plane"],
  );
  assert.deepEqual(cluster.applied, []);
});

test("a definition that the last mesh left is the next one's to keep up to date", async () => {
  const cluster = new Cluster(meshWith([]));
  cluster.definitions = [DEFINITION];
  const labels = { [MANAGED_BY]: MANAGER, [MESH]: "last" };
  const left = { ...DEFINITION, metadata: { ...DEFINITION.metadata, labels } };
  cluster.live.set(objectName(DEFINITION), left);
  await cluster.reconcile();
  assert.ok(cluster.applied.includes(objectName(DEFINITION)));
});

test("what is wanted otherwise than before was not changed by somebody else", async () => {
  const cluster = new Cluster(meshWith([], READY));
  await cluster.reconcile();
  assert.deepEqual(cluster.said, [], "what was applied before is not known");
  cluster.root = "another";
  await cluster.reconcile();
  const told = (words: string): boolean => cluster.said.some((one) => one.startsWith(words));
  assert.ok(told("Deployment mesh-system/meshwright-control-plane was changed by somebody else"));
  for (const kind of ["Secret", "MutatingWebhookConfiguration"]) assert.ok(!told(kind), kind);
  cluster.live.delete("Secret mesh-system/cacerts");
  cluster.root = "a third";
  await cluster.reconcile();
  assert.ok(told("Secret mesh-system/cacerts was deleted by somebody else"));
});

test("what a working mesh waits for hides nothing of what comes after", async () => {
  const cluster = new Cluster(meshWith([], READY));
  cluster.refusals.set("ConfigMap mesh-system/meshwright-control-plane", 403);
  await cluster.reconcile();
  assert.equal(cluster.reasonOf("ControlPlaneReady"), "PermissionDenied");
  assert.ok(cluster.isTrue("InjectorReady"));
  assert.ok(cluster.isTrue("GatewaysReady"));
});
