import assert from "node:assert/strict";
import { test } from "node:test";
import { apiVersionOf, KINDS, type Kind, type MeshConfig, pathOf } from "../api/kinds.ts";
import { COMPONENT, MANAGED_BY, MANAGER, MESH } from "../api/labels.ts";
import { OPERATOR } from "../api/names.ts";
import { type KubeObject, objectKey } from "../api/object.ts";
import type { Preconditions, Ref, Selection } from "../kube/client.ts";
import { ApiError } from "../kube/error.ts";
import type { Happening } from "../kube/events.ts";
import { silent } from "../util/log.ts";
import { type Deps, FINALIZER } from "./deps.ts";
import { removeMesh, tellRemoval } from "./finalize.ts";

const NAMESPACE = "mesh-system";
const mesh: MeshConfig = {
  apiVersion: apiVersionOf(KINDS.meshConfig),
  kind: KINDS.meshConfig.kind,
  metadata: { name: "default" },
};
const OURS = { [MANAGED_BY]: MANAGER, [MESH]: mesh.metadata.name };

function object(kind: Kind, name: string, labels: Record<string, string> = {}): KubeObject {
  const scope = kind.namespaced ? { namespace: NAMESPACE } : {};
  const metadata = { ...scope, name, uid: `${kind.kind} ${name}`, labels };
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}

const namespace = object(KINDS.namespace, NAMESPACE, OURS);
const lookout = object(KINDS.roleBinding, OPERATOR, OURS);
const tlsSecret = object(KINDS.secret, "tls-of-a-user");
/** No part of the mesh reads these, but its definition is among those that are installed. */
const trafficExtensions: Kind = {
  ...KINDS.wasmPlugin,
  kind: "TrafficExtension",
  plural: "trafficextensions",
};
const definitions = [KINDS.virtualService, KINDS.peerAuthentication, trafficExtensions].map(
  ({ group, version, kind, plural }) => ({
    ...object(KINDS.customResourceDefinition, `${plural}.${group}`, {
      ...OURS,
      [COMPONENT]: "crds",
    }),
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural },
      versions: [
        { name: "v1alpha1", storage: version === "v1alpha1" },
        { name: "v1", storage: version === "v1" },
      ],
    },
  }),
);

/** What the operator may see of a cluster: configuration and Secrets at large by the lookout only. */
class Cluster {
  readonly deleted: string[] = [];
  readonly said: string[] = [];
  readonly asked = new Set<string>();
  readonly #objects = new Map<string, KubeObject>();
  readonly #refused: readonly Kind[];

  constructor(objects: readonly KubeObject[], refused: readonly Kind[] = []) {
    for (const one of objects) this.#objects.set(keyOf(one.kind, one.metadata), one);
    this.#refused = refused;
  }

  remove(): Promise<void> {
    return removeMesh(mesh, this.#deps(), new AbortController().signal);
  }

  has(one: KubeObject): boolean {
    return this.#objects.has(keyOf(one.kind, one.metadata));
  }

  #deps(): Deps {
    return {
      client: { get: this.#get, list: this.#list, remove: this.#remove },
      applied: { forget() {} },
      events: { emit: async (_: unknown, { message }: Happening) => void this.said.push(message) },
      catalogue: { version: "0.1.0", image: "", proxyImage: "" },
      crds: definitions,
      log: silent,
    } as unknown as Deps;
  }

  readonly #get = async ({ kind }: Kind, ref: Ref) => this.#objects.get(keyOf(kind, ref));

  readonly #list = async (kind: Kind, selection: Selection) => {
    if (!this.#maySee(kind, selection))
      throw new ApiError(`list ${kind.kind}`, { status: 403, reason: "Forbidden", message: "no" });
    this.asked.add(pathOf(kind));
    return [...this.#objects.values()].filter(
      (one) => one.kind === kind.kind && isSelected(one, selection),
    );
  };

  readonly #remove = async ({ kind }: Kind, ref: Ref, { uid }: Preconditions) => {
    const key = keyOf(kind, ref);
    if (uid !== undefined) assert.equal(uid, this.#objects.get(key)?.metadata.uid);
    if (this.#objects.delete(key)) this.deleted.push(key);
  };

  #maySee(kind: Kind, { fieldSelector }: Selection): boolean {
    if (this.#refused.some(({ plural }) => plural === kind.plural)) return false;
    if (kind !== KINDS.secret && kind !== KINDS.configMap) return true;
    return fieldSelector !== undefined || this.has(lookout);
  }
}

const keyOf = (kind: string, ref: Ref): string => {
  const { name, namespace: where } = ref;
  return `${kind} ${objectKey({ metadata: where ? { name, namespace: where } : { name } })}`;
};

const isSelected = (
  { metadata }: KubeObject,
  { namespace: where, labelSelector, fieldSelector }: Selection,
): boolean =>
  (where === undefined || where === metadata.namespace) &&
  (fieldSelector === undefined || fieldSelector === `metadata.name=${metadata.name}`) &&
  (labelSelector?.split(",") ?? []).every((pair) => {
    const [name = "", value] = pair.split("=");
    return metadata.labels?.[name] === value;
  });

test("a removal that runs again keeps what the first run kept, though it sees less", async () => {
  const cluster = new Cluster([namespace, lookout, tlsSecret]);
  await cluster.remove();
  assert.ok(cluster.has(namespace));
  assert.ok(!cluster.has(lookout), "the second run sees less");
  await cluster.remove();
  assert.ok(cluster.has(namespace), cluster.deleted.join(", "));
  assert.match(
    cluster.said[0] ?? "",
    /^Namespace mesh-system is kept, as Secret mesh-system\/tls-/,
  );
  assert.match(cluster.said[1] ?? "", /^Namespace mesh-system is kept, .* list ConfigMap/);
});

test("a namespace with nothing of users' goes", async () => {
  const cluster = new Cluster([namespace, lookout]);
  await cluster.remove();
  assert.ok(!cluster.has(namespace));
  assert.deepEqual(cluster.said, []);
});

test("a namespace goes with what Kubernetes makes in each, not with what only has such a name", async () => {
  const madeByKubernetes = [
    object(KINDS.serviceAccount, "default"),
    object(KINDS.configMap, "kube-root-ca.crt"),
  ];
  const empty = new Cluster([namespace, lookout, ...madeByKubernetes]);
  await empty.remove();
  assert.ok(!empty.has(namespace));
  const policy = object(KINDS.peerAuthentication, "default");
  const used = new Cluster([namespace, lookout, ...madeByKubernetes, policy]);
  await used.remove();
  assert.ok(used.has(namespace));
});

test("a namespace that is going already is not asked about", async () => {
  const metadata = { ...namespace.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  const cluster = new Cluster([{ ...namespace, metadata }]);
  await cluster.remove();
  assert.deepEqual(cluster.said, []);
});

test("in a namespace of somebody else's the right to see Secrets does not outlive the mesh", async () => {
  const cluster = new Cluster([object(KINDS.namespace, NAMESPACE), lookout]);
  await cluster.remove();
  assert.deepEqual(cluster.deleted, [`RoleBinding ${NAMESPACE}/${OPERATOR}`]);
});

test("definitions stay where nobody can say whether there are objects of them", async () => {
  const cluster = new Cluster(definitions, [KINDS.virtualService]);
  await cluster.remove();
  assert.ok(definitions.every((one) => cluster.has(one)));
  assert.match(cluster.said[0] ?? "", /^the definitions .* are kept, .* list VirtualService/);
});

test("definitions go if there are no objects of any of them", async () => {
  const cluster = new Cluster(definitions);
  await cluster.remove();
  assert.ok(!definitions.some((one) => cluster.has(one)));
  for (const path of [
    "/apis/networking.istio.io/v1/virtualservices",
    "/apis/security.istio.io/v1/peerauthentications",
    "/apis/extensions.istio.io/v1alpha1/trafficextensions",
  ])
    assert.ok(cluster.asked.has(path), path);
});

test("definitions stay for an object of a kind that no part of the mesh reads", async () => {
  const cluster = new Cluster([...definitions, object(trafficExtensions, "of-a-user")]);
  await cluster.remove();
  assert.ok(definitions.every((one) => cluster.has(one)));
  assert.match(cluster.said[0] ?? "", /there are objects like TrafficExtension mesh-system\/of-a-/);
});

const held: MeshConfig = {
  ...mesh,
  metadata: { name: "default", uid: "1", finalizers: [FINALIZER] },
};
for (const { title, live, told } of [
  { title: "there is still", live: held, told: "Deleting" },
  { title: "is gone", live: undefined, told: undefined },
  {
    title: "has been let go",
    live: { ...held, metadata: { ...held.metadata, finalizers: [] } },
    told: undefined,
  },
  {
    title: "has come anew",
    live: { ...held, metadata: { ...held.metadata, uid: "2" } },
    told: undefined,
  },
])
  test(`a removal is for a MeshConfig that ${title}: ${told !== undefined}`, async () => {
    const written: KubeObject[] = [];
    const client = {
      get: async () => live,
      apply: async (one: KubeObject) => {
        written.push(one);
        return one;
      },
    } as unknown as Deps["client"];
    const deps = { client, now: () => new Date() };
    const found = await tellRemoval(held, deps, new AbortController().signal);
    assert.equal(found?.status?.phase, told);
    assert.equal(written.length, told === undefined ? 0 : 1);
  });
