/** Takes a mesh away: webhooks first, so that a removal that stops half-way never blocks a pod. */
import { definedKind, KINDS, type Kind, type MeshConfig } from "../api/kinds.ts";
import { COMPONENT, MANAGER, MESH } from "../api/labels.ts";
import { CACERTS_SECRET, CONTROL_PLANE, OPERATOR, ROOT_CONFIG_MAP } from "../api/names.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { isOwned } from "../install/metadata.ts";
import { type Settings, settingsOf } from "../install/settings.ts";
import type { Selection } from "../kube/client.ts";
import { ApiError, isApiError, isTransient } from "../kube/error.ts";
import { type Deps, FINALIZER } from "./deps.ts";

/** Permissions early: what still runs of the control plane must not write what is being deleted. */
const ORDER = [
  KINDS.mutatingWebhookConfiguration,
  KINDS.clusterRoleBinding,
  KINDS.roleBinding,
  KINDS.podDisruptionBudget,
  KINDS.deployment,
  KINDS.service,
  KINDS.clusterRole,
  KINDS.role,
  KINDS.serviceAccount,
] as const;

/** What users may have put into the namespace, as far as we may look. */
const LODGERS = [
  KINDS.pod,
  KINDS.deployment,
  KINDS.service,
  KINDS.configMap,
  KINDS.secret,
  KINDS.serviceAccount,
];
/** By this one we look: it goes last, as another run without it sees less. */
const isLookout = ({ kind, metadata }: KubeObject): boolean =>
  kind === KINDS.roleBinding.kind && metadata.name === OPERATOR;

/** Kubernetes makes these in every namespace, and the control plane one. */
const EVERYWHERE: readonly string[] = [
  `${KINDS.configMap.kind} kube-root-ca.crt`,
  `${KINDS.configMap.kind} ${ROOT_CONFIG_MAP}`,
  `${KINDS.serviceAccount.kind} default`,
];

const METADATA = { metadataOnly: true } as const;

/**
 * Says in the status that the mesh is going.
 *
 * @returns it as it is then; `undefined` if it has been let go already, which the watch may yet have to tell
 */
export async function tellRemoval(
  mesh: MeshConfig,
  { client, now }: Pick<Deps, "client" | "now">,
  signal: AbortSignal,
): Promise<MeshConfig | undefined> {
  const live = await client.get(KINDS.meshConfig, { name: mesh.metadata.name }, signal);
  if (live?.metadata.uid !== mesh.metadata.uid) return undefined;
  if (!live?.metadata.finalizers?.includes(FINALIZER)) return undefined;
  if (live.status?.phase === "Deleting") return live;
  const { apiVersion, kind, metadata, status } = live;
  const message = "the mesh is being removed";
  const lastTransitionTime = `${now().toISOString().slice(0, 19)}Z`;
  const observedGeneration = metadata.generation ?? 0;
  const about = { reason: "Deleting", message, observedGeneration, lastTransitionTime };
  const deleting: MeshConfig = {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    status: {
      ...status,
      observedGeneration,
      phase: "Deleting",
      message,
      conditions: [
        { type: "Ready", status: "False", ...about },
        { type: "Reconciling", status: "True", ...about },
      ],
    },
  };
  return client.apply(deleting, { manager: MANAGER, force: true, subresource: "status" }, signal);
}

/** Everything that was made for it; the finalizer goes after. */
export async function removeMesh(mesh: MeshConfig, deps: Deps, signal: AbortSignal): Promise<void> {
  await new Removal(mesh, deps, signal).perform();
  deps.log.info(`mesh ${mesh.metadata.name} is removed`);
}

class Removal {
  readonly #mesh: MeshConfig;
  readonly #settings: Settings;
  readonly #deps: Deps;
  readonly #signal: AbortSignal;

  constructor(mesh: MeshConfig, deps: Deps, signal: AbortSignal) {
    this.#mesh = mesh;
    this.#settings = settingsOf(mesh, deps.catalogue);
    this.#deps = deps;
    this.#signal = signal;
  }

  async perform(): Promise<void> {
    for (const kind of ORDER) await this.#removeAll(kind, (object) => !isLookout(object));
    // Of these we may see only those of our own names.
    for (const [kind, name] of [
      [KINDS.configMap, CONTROL_PLANE],
      [KINDS.secret, CACERTS_SECRET],
      [KINDS.configMap, ROOT_CONFIG_MAP],
    ] as const)
      for (const object of await this.#list(kind, { fieldSelector: `metadata.name=${name}` }))
        if (isOwned(object, this.#settings.mesh)) await this.#remove(kind, object);
    await this.#removeNamespace();
    await this.#removeDefinitions();
    await this.#removeAll(KINDS.roleBinding);
  }

  async #removeAll(kind: Kind, isDue: (object: KubeObject) => boolean = () => true): Promise<void> {
    const labelSelector = `${MESH}=${this.#settings.mesh}`;
    for (const object of await this.#list(kind, { labelSelector }))
      if (isDue(object)) await this.#remove(kind, object);
  }

  async #removeNamespace(): Promise<void> {
    const { namespace: name, mesh } = this.#settings;
    const namespace = await this.#deps.client.get(KINDS.namespace, { name }, this.#signal);
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return;
    if (!isOwned(namespace, mesh)) return;
    const lodger = await this.#lodger(name);
    if (lodger === undefined) await this.#remove(KINDS.namespace, namespace);
    else if (lodger instanceof ApiError)
      await this.#keep(
        `Namespace ${name} is kept, as what is in it is not seen: ${lodger.message}`,
      );
    else await this.#keep(`Namespace ${name} is kept, as ${objectName(lodger)} is not of the mesh`);
  }

  #lodger(namespace: string): Promise<KubeObject | ApiError | undefined> {
    return this.#find(
      [...LODGERS, ...this.#istioKinds()],
      { namespace },
      (object) =>
        !isOwned(object, this.#settings.mesh) &&
        !EVERYWHERE.includes(`${object.kind} ${object.metadata.name}`),
    );
  }

  /** The definitions of the Istio API go only if nobody uses them: with them go all objects. */
  async #removeDefinitions(): Promise<void> {
    const labelSelector = `${MESH}=${this.#settings.mesh},${COMPONENT}=crds`;
    const definitions = await this.#list(KINDS.customResourceDefinition, { labelSelector });
    if (definitions.length === 0) return;
    const user = await this.#find(this.#istioKinds(), {}, () => true);
    if (user !== undefined) {
      const why =
        user instanceof ApiError
          ? `whether there are objects of them is not seen: ${user.message}`
          : `there are objects like ${objectName(user)}`;
      await this.#keep(`the definitions of the Istio API are kept, as ${why}`);
      return;
    }
    for (const definition of definitions)
      await this.#remove(KINDS.customResourceDefinition, definition);
  }

  #istioKinds(): readonly Kind[] {
    return this.#deps.crds.map(definedKind);
  }

  /** The first that is looked for; where we may not look it may be, and the refusal stands for it. */
  async #find(
    kinds: readonly Kind[],
    selection: Selection,
    isWanted: (object: KubeObject) => boolean,
  ): Promise<KubeObject | ApiError | undefined> {
    for (const kind of kinds) {
      try {
        const found = (await this.#see(kind, selection)).find(isWanted);
        if (found) return found;
      } catch (error) {
        if (!isApiError(error) || isTransient(error)) throw error;
        return error;
      }
    }
    return undefined;
  }

  async #list(kind: Kind, selection: Selection): Promise<readonly KubeObject[]> {
    try {
      return await this.#see(kind, selection);
    } catch (error) {
      return this.#leave(error, []);
    }
  }

  async #see(kind: Kind, selection: Selection): Promise<readonly KubeObject[]> {
    try {
      return await this.#deps.client.list(kind, { ...selection, ...METADATA }, this.#signal);
    } catch (error) {
      if (isApiError(error, 404)) return [];
      throw error;
    }
  }

  async #remove(kind: Kind, object: KubeObject): Promise<void> {
    const { client, applied, log } = this.#deps;
    try {
      await client.remove(kind, object.metadata, { uid: object.metadata.uid }, this.#signal);
      applied.forget(object);
      log.debug(`deleted ${objectName(object)}`);
    } catch (error) {
      // Another one of the same name has come: not ours any more, or the next run's.
      if (!isApiError(error, 409)) await this.#leave(error, undefined);
    }
  }

  /** What cannot be done for good is said and left: a finalizer must not hang on it. */
  async #leave<T>(error: unknown, instead: T): Promise<T> {
    if (!isApiError(error) || isTransient(error)) throw error;
    const { events } = this.#deps;
    const happening = { type: "Warning", reason: "LeftBehind", message: error.message } as const;
    await events.emit(this.#mesh, happening, this.#signal);
    return instead;
  }

  async #keep(message: string): Promise<void> {
    const { events } = this.#deps;
    await events.emit(this.#mesh, { type: "Normal", reason: "Kept", message }, this.#signal);
  }
}
