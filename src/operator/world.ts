/**
 * What the operator knows of the cluster: every MeshConfig, and every object that it made for one.
 * Most come as metadata only; of a MeshConfig's objects just those whose status counts come whole.
 */
import type { Deployment, MutatingWebhookConfiguration, Service } from "../api/gen/kubernetes.ts";
import { KINDS, type Kind, type Live, type MeshConfig } from "../api/kinds.ts";
import { MANAGED_BY, MANAGER, MESH } from "../api/labels.ts";
import { CA_SECRET, CACERTS_SECRET, CONTROL_PLANE, OPERATOR_NAMESPACE } from "../api/names.ts";
import { type KubeObject, objectKey } from "../api/object.ts";
import { isOwned } from "../install/metadata.ts";
import { identity } from "../install/plan.ts";
import type { Client, Selection } from "../kube/client.ts";
import { type Reflection, reflect } from "../kube/watch.ts";
import type { Sink } from "../store/sink.ts";
import type { Log } from "../util/log.ts";
import { isOwn } from "./applied.ts";

const OURS: Selection = { labelSelector: `${MANAGED_BY}=${MANAGER}` };
const NAMES_ONLY: Selection = { ...OURS, metadataOnly: true };
const byName = (name: string): Selection => ({
  fieldSelector: `metadata.name=${name}`,
  metadataOnly: true,
});

/** What is watched of each kind: never more than what has a name or a label of ours. */
const WATCHES: readonly (readonly [kind: Kind, selection: Selection])[] = [
  [KINDS.meshConfig, {}],
  [KINDS.deployment, OURS],
  [KINDS.service, OURS],
  [KINDS.mutatingWebhookConfiguration, OURS],
  [KINDS.namespace, NAMES_ONLY],
  [KINDS.serviceAccount, NAMES_ONLY],
  [KINDS.podDisruptionBudget, NAMES_ONLY],
  [KINDS.role, NAMES_ONLY],
  [KINDS.roleBinding, NAMES_ONLY],
  [KINDS.clusterRole, NAMES_ONLY],
  [KINDS.clusterRoleBinding, NAMES_ONLY],
  // Definitions of others too: what exists already is not ours to install.
  [KINDS.customResourceDefinition, { metadataOnly: true }],
  [KINDS.configMap, byName(CONTROL_PLANE)],
  [KINDS.secret, byName(CACERTS_SECRET)],
  [KINDS.secret, { ...byName(CA_SECRET), namespace: OPERATOR_NAMESPACE }],
];

const WHOLE: ReadonlySet<string> = new Set(
  WATCHES.filter(([, { metadataOnly }]) => !metadataOnly).map(([{ kind }]) => kind),
);

export interface WorldOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Something of this mesh changed. */
  readonly onChange: (mesh: string, object: KubeObject) => void;
}

export class World {
  readonly #objects = new Map<string, KubeObject>();
  readonly #reflections: Reflection[] = [];
  readonly #options: WorldOptions;

  constructor(client: Client, options: WorldOptions) {
    this.#options = options;
    const { signal, log } = options;
    for (const [kind, selection] of WATCHES) {
      const sink = this.#sink();
      this.#reflections.push(
        reflect(client, kind, sink, { ...selection, signal, log, transform: slim }),
      );
    }
  }

  /** Resolves when everything was seen once. */
  async synced(): Promise<void> {
    await Promise.all(this.#reflections.map(({ synced }) => synced));
  }

  /** Resolves when all watches have ended. */
  async done(): Promise<void> {
    await Promise.all(this.#reflections.map(({ done }) => done));
  }

  isHealthy(): boolean {
    return this.#reflections.every(({ healthy }) => healthy());
  }

  /** Oldest first, then by name: the first is the one that counts. */
  meshes(): readonly MeshConfig[] {
    const meshes = this.#objects.values().filter(({ kind }) => kind === KINDS.meshConfig.kind);
    return [...(meshes as IteratorObject<MeshConfig>)].sort(byAge);
  }

  mesh(name: string): MeshConfig | undefined {
    return this.meshes().find(({ metadata }) => metadata.name === name);
  }

  /** What exists of a mesh, by identity. */
  owned(mesh: string): ReadonlyMap<string, KubeObject> {
    return new Map(this.#objects.entries().filter(([, object]) => isOwned(object, mesh)));
  }

  /** The live object that corresponds to a rendered one. */
  live<T extends KubeObject>(object: T): T | undefined {
    return this.#objects.get(identity(object)) as T | undefined;
  }

  find<T extends KubeObject>(kind: Kind<T>, key: string): T | undefined {
    return this.#objects
      .values()
      .find((object) => object.kind === kind.kind && objectKey(object) === key) as T | undefined;
  }

  deployments(mesh: string): readonly Live<Deployment>[] {
    return this.#ofKind(KINDS.deployment, mesh);
  }

  services(mesh: string): readonly Live<Service>[] {
    return this.#ofKind(KINDS.service, mesh);
  }

  webhooks(mesh: string): readonly Live<MutatingWebhookConfiguration>[] {
    return this.#ofKind(KINDS.mutatingWebhookConfiguration, mesh);
  }

  /** What we just wrote: known before the watch tells of it. */
  learn({ apiVersion, kind, metadata, ...content }: KubeObject): void {
    this.#put(slim({ apiVersion, kind, metadata, ...(WHOLE.has(kind) && content) }));
  }

  #ofKind<T extends KubeObject>({ kind }: Kind<T>, mesh: string): readonly T[] {
    return [...this.#objects.values()].filter(
      (object): object is T => object.kind === kind && isOwned(object, mesh),
    );
  }

  #sink(): Sink<KubeObject> {
    const known = new Set<string>();
    const upsert = (object: KubeObject): void => {
      const name = identity(object);
      known.add(name);
      const before = this.#objects.get(name);
      if (!this.#put(object)) return;
      this.#tell(object);
      // Who lost it by an edit of its labels has to know as well.
      if (before && before.metadata.labels?.[MESH] !== object.metadata.labels?.[MESH])
        this.#tell(before);
    };
    const forget = (name: string): void => {
      known.delete(name);
      const object = this.#objects.get(name);
      if (object === undefined) return;
      this.#objects.delete(name);
      this.#tell(object);
    };
    return {
      upsert,
      replace(objects) {
        const gone = new Set(known);
        for (const object of objects) {
          upsert(object);
          gone.delete(identity(object));
        }
        for (const name of gone) forget(name);
      },
      remove(key) {
        // Within one watch a key names one object.
        for (const name of known) if (name.endsWith(` ${key}`)) forget(name);
      },
    };
  }

  /** @returns whether it is news: the watch may tell of what we wrote ourselves, or of what was before */
  #put(object: KubeObject): boolean {
    const name = identity(object);
    const known = this.#objects.get(name)?.metadata;
    const { uid, resourceVersion } = object.metadata;
    if (known?.uid === uid && Number(known?.resourceVersion) >= Number(resourceVersion))
      return false;
    this.#objects.set(name, object);
    return true;
  }

  #tell(object: KubeObject): void {
    const { metadata, kind } = object;
    if (kind === KINDS.meshConfig.kind) {
      // Whoever was second may be first now.
      for (const mesh of this.meshes()) this.#options.onChange(mesh.metadata.name, object);
      if (this.mesh(metadata.name) === undefined) this.#options.onChange(metadata.name, object);
      return;
    }
    const owner = metadata.labels?.[MESH];
    if (owner !== undefined) this.#options.onChange(owner, object);
    else if (kind === KINDS.secret.kind)
      for (const mesh of this.meshes()) this.#options.onChange(mesh.metadata.name, object);
  }
}

const byAge = (a: MeshConfig, b: MeshConfig): number =>
  (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "") ||
  a.metadata.name.localeCompare(b.metadata.name);

/** Of the managed fields only our own say something to us; of annotations, none. */
function slim<T extends KubeObject>(object: T): T {
  const { managedFields, annotations: _, ...metadata } = object.metadata;
  const own = managedFields?.filter(isOwn);
  return { ...object, metadata: { ...metadata, ...(own?.length && { managedFields: own }) } };
}
