/**
 * The operator: one leader of several replicas works, through one queue, on what the watches tell.
 *
 * `@dot-i/k8s-operator` gives the shell: its life cycle, kubeconfig and the order of finalizers.
 * Whatever it does over the network is ours instead: its watch loses deletes in a gap and ends the
 * process on any error, and its writes fail silently.
 */
import kit, { type ResourceEvent, type ResourceMeta } from "@dot-i/k8s-operator";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import type { Diagnostic } from "../api/diagnostic.ts";
import { apiVersionOf, KINDS, type MeshConfig } from "../api/kinds.ts";
import { OPERATOR, OPERATOR_NAMESPACE } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import type { Catalogue } from "../install/settings.ts";
import { Client } from "../kube/client.ts";
import { Events } from "../kube/events.ts";
import { lead } from "../kube/lease.ts";
import { WorkQueue } from "../kube/work-queue.ts";
import type { Log } from "../util/log.ts";
import { Applied } from "./applied.ts";
import { type Deps, FINALIZER } from "./deps.ts";
import { removeMesh, tellRemoval } from "./finalize.ts";
import { type Probes, probes } from "./probes.ts";
import { reconcile } from "./reconcile.ts";
import { Trust } from "./trust.ts";
import { World } from "./world.ts";

export interface OperatorOptions {
  readonly log: Log;
  readonly catalogue: Catalogue;
  readonly crds: readonly KubeObject[];
  /** What the control plane will find wrong with a MeshConfig. */
  readonly faultsOf: (mesh: MeshConfig) => readonly Diagnostic[];
  /** Unique among the replicas. */
  readonly identity: string;
  readonly config?: KubeConfig;
  readonly client?: Client;
  readonly probes?: Probes;
  readonly leaseDurationMs?: number;
}

export class MeshOperator extends kit.default {
  readonly #options: OperatorOptions;
  readonly #stop = new AbortController();
  readonly #client: Client;
  readonly #world: World;
  #queue: WorkQueue | undefined;
  #isSynced = false;
  /** Of the Lease: what is written after it aborts could be another leader's to write. */
  #held: AbortSignal = AbortSignal.abort();
  #leading: Promise<void> = Promise.resolve();

  constructor(options: OperatorOptions) {
    super(options.log);
    if (options.config) this.kubeConfig = options.config;
    this.#options = options;
    this.#client =
      options.client ??
      new Client(this.kubeConfig, { userAgent: `${OPERATOR}/${options.catalogue.version}` });
    this.#world = new World(this.#client, {
      signal: this.#stop.signal,
      log: options.log,
      onChange: (mesh, object) => this.#changed(mesh, object),
    });
    this.#world.synced().then(
      () => {
        this.#isSynced = true;
      },
      () => {},
    );
  }

  /** Whether the last word of the API server to every watch was a good one. */
  isHealthy(): boolean {
    return this.#world.isHealthy();
  }

  /** Whether everything was seen once. */
  isSynced(): boolean {
    return this.#isSynced;
  }

  /** Ends the work, gives the Lease back, and resolves when nothing is under way any more. */
  async shutdown(): Promise<void> {
    this.stop();
    this.#stop.abort(new Error("the operator stops"));
    await this.#leading;
    await this.#world.done();
    this.#client.close();
  }

  protected override init(): Promise<void> {
    const { identity, log, leaseDurationMs } = this.#options;
    const lease = { name: OPERATOR, namespace: OPERATOR_NAMESPACE, identity, log };
    const timing = leaseDurationMs
      ? {
          durationMs: leaseDurationMs,
          renewDeadlineMs: (leaseDurationMs * 2) / 3,
          retryMs: leaseDurationMs / 8,
        }
      : {};
    this.#leading = lead(
      this.#client,
      { ...lease, ...timing },
      { work: (held) => this.#work(held), signal: this.#stop.signal },
    );
    return Promise.resolve();
  }

  /** Ours in place of the kit's, which forgets what others wrote and swallows refusals. */
  protected override async setResourceFinalizers(
    { name, resourceVersion }: ResourceMeta,
    finalizers: string[],
  ): Promise<void> {
    const patch = { metadata: { resourceVersion, finalizers } };
    const left = await this.#client.merge(KINDS.meshConfig, { name }, patch, this.#held);
    // Nothing holds it any more: the watch tells of its end, or has, and nothing would end what is learned here.
    if (finalizers.length > 0) this.#world.learn(left);
  }

  async #work(held: AbortSignal): Promise<void> {
    const { log } = this.#options;
    this.#held = held;
    await untilAborted(this.#world.synced(), held);
    const deps = this.#deps();
    const queue = new WorkQueue({
      name: "mesh",
      log,
      signal: held,
      run: (name, signal) => this.#run(name, deps, signal),
    });
    this.#queue = queue;
    for (const { metadata } of this.#world.meshes()) queue.add(metadata.name);
    await untilAborted(new Promise<void>(() => {}), held);
    this.#queue = undefined;
    await queue.idle();
  }

  async #run(name: string, deps: Deps, signal: AbortSignal): Promise<number | undefined> {
    const mesh = this.#world.mesh(name);
    if (mesh === undefined) return undefined;
    if (mesh.metadata.deletionTimestamp === undefined) return reconcile(mesh, deps, signal);
    if (!mesh.metadata.finalizers?.includes(FINALIZER)) return undefined;
    const told = await tellRemoval(mesh, deps, signal);
    if (told === undefined) return undefined;
    await this.handleResourceFinalizer(eventOf(told), FINALIZER, () =>
      removeMesh(told, deps, signal),
    );
    return undefined;
  }

  #deps(): Deps {
    const { log, catalogue, crds, faultsOf } = this.#options;
    const [client, world, now] = [this.#client, this.#world, () => new Date()];
    const applied = new Applied(client);
    return {
      client,
      world,
      applied,
      trust: new Trust({ client, world, applied, now }),
      probes: this.#options.probes ?? probes(client),
      events: new Events(client, OPERATOR, log),
      catalogue,
      crds,
      faultsOf,
      log,
      now,
    };
  }

  #changed(mesh: string, { kind }: KubeObject): void {
    // What a user wrote may be the remedy for what failed; anything else waits its time.
    if (kind === KINDS.meshConfig.kind) this.#queue?.retry(mesh);
    else this.#queue?.add(mesh);
  }
}

/** The kit's view of a MeshConfig that is to go. */
function eventOf(mesh: MeshConfig): ResourceEvent {
  const { name, resourceVersion = "", finalizers = [], deletionTimestamp } = mesh.metadata;
  const { kind, plural } = KINDS.meshConfig;
  const apiVersion = apiVersionOf(KINDS.meshConfig);
  return {
    meta: { id: `${plural}.${apiVersion}`, name, resourceVersion, apiVersion, kind },
    type: kit.ResourceEventType.Modified,
    object: {
      apiVersion,
      kind,
      metadata: {
        name,
        finalizers: [...finalizers],
        ...(deletionTimestamp && { deletionTimestamp: new Date(deletionTimestamp) }),
      },
    },
  };
}

/** What comes first; an abort is not an error here. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  return Promise.race([
    promise.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
    aborted,
  ]);
}
