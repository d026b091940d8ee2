/**
 * One run: looks at the cluster, moves it towards the MeshConfig as far as it can go now, and says
 * in the status how far that is and what it waits for. It remembers nothing that it could not find
 * out again, so it may stop anywhere, and another operator goes on from there.
 */
import { KINDS, type MeshConfig } from "../api/kinds.ts";
import { MANAGER } from "../api/labels.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { isManaged } from "../install/metadata.ts";
import { plan, type Step } from "../install/plan.ts";
import { ADDRESS_PENDING, type Wait } from "../install/readiness.ts";
import { type Facts, render, type Stage, type StageName } from "../install/render.ts";
import { type Settings, settingsOf } from "../install/settings.ts";
import { webhookName } from "../install/webhook.ts";
import { isApiError } from "../kube/error.ts";
import { MeshError } from "../util/errors.ts";
import { Claims } from "./claims.ts";
import { type Deps, FINALIZER } from "./deps.ts";
import { conflictWith, specWait, versionWait } from "./preflight.ts";
import { gatewayState, stageWait } from "./readiness.ts";
import { isSameStatus, type Report, type StageWait, statusOf, wasReady } from "./status.ts";
import type { TrustState } from "./trust.ts";

/** The next look while something is waited for: what no watch tells of is asked for more often. */
const AGAIN_MS = 5_000;
const ASK_AGAIN_MS = 500;
/** No watch tells of a CA that expires, by a clock that may be set, nor of a newer API server. */
const LONGEST_MS = 24 * 3_600_000;
const ASKED: readonly string[] = ["Establishing", "XdsProbeFailed", "DryRunInjectFailed"];

export async function reconcile(
  mesh: MeshConfig,
  deps: Deps,
  signal: AbortSignal,
): Promise<number> {
  const settings = settingsOf(mesh, deps.catalogue);
  const refusal =
    conflictWith(mesh, deps.world.meshes()) ??
    (await versionWait(mesh, deps, signal)) ??
    specWait(mesh, deps);
  if (refusal) return report(mesh, refused(mesh, settings, refusal, deps), deps, signal);
  const held = await begin(await hold(mesh, deps, signal), settings, deps, signal);
  const run = new Run(held, settings, deps, signal);
  try {
    await run.advance();
  } catch (error) {
    const wait = refusalWait(error);
    if (wait === undefined) throw error;
    await report(held, run.report([{ stage: run.stage, ...wait }]), deps, signal);
    throw error;
  }
  return report(held, run.report(), deps, signal);
}

/** Nothing is changed then; what an earlier spec made runs on. */
function refused(
  { metadata, status = {} }: MeshConfig,
  { version, namespace: home }: Settings,
  refusal: Wait,
  { world }: Deps,
): Report {
  return {
    refusal,
    waits: [],
    version,
    deployments: world.deployments(metadata.name),
    gateways: (status.gateways ?? []).map(({ name, namespace = home }) =>
      gatewayState({ name, namespace }, world),
    ),
  };
}

/** What an edit or a permission can mend is said in the status; the rest is only tried again. */
function refusalWait(error: unknown): Wait | undefined {
  const isRefusal = isApiError(error, 400, 403, 404, 422);
  if (!(error instanceof MeshError) || (isApiError(error) && !isRefusal)) return undefined;
  return {
    reason: isApiError(error, 403) ? "PermissionDenied" : "InvalidInput",
    message: `${error.message}: ${error.hint} (${error.code})`,
    stalled: true,
  };
}

/** A write that fails for no fault of a user's: the server's own, or of a webhook that it asks. */
function failureWait(error: unknown): Wait | undefined {
  if (!isApiError(error) || error.status < 500) return undefined;
  return { reason: "WriteFailed", message: `${error.message}: ${error.hint} (${error.code})` };
}

/** Sees to it that we are asked before the MeshConfig goes. */
async function hold(mesh: MeshConfig, deps: Deps, signal: AbortSignal): Promise<MeshConfig> {
  const { finalizers = [], resourceVersion } = mesh.metadata;
  if (finalizers.includes(FINALIZER)) return mesh;
  const patch = { metadata: { resourceVersion, finalizers: [...finalizers, FINALIZER] } };
  const held = await deps.client.merge(KINDS.meshConfig, mesh.metadata, patch, signal);
  deps.world.learn(held);
  return held;
}

/** Says at once that the work has begun: the first steps of an install may take a while. */
async function begin(
  mesh: MeshConfig,
  settings: Settings,
  deps: Deps,
  signal: AbortSignal,
): Promise<MeshConfig> {
  if (mesh.status?.conditions !== undefined) return mesh;
  const message = `the install of version ${settings.version} begins`;
  const wait = { stage: "Namespace", reason: "Installing", message } as const;
  const first = { version: settings.version, deployments: [], gateways: [] };
  await report(mesh, { ...first, waits: [wait], blockedAt: wait.stage }, deps, signal);
  return deps.world.mesh(mesh.metadata.name) ?? mesh;
}

type Delete = Extract<Step, { readonly kind: "delete" }>;

class Run {
  stage: StageName = "Namespace";
  readonly #mesh: MeshConfig;
  readonly #settings: Settings;
  readonly #deps: Deps;
  readonly #signal: AbortSignal;
  readonly #waits: StageWait[] = [];
  readonly #changed = new Set<StageName>();
  #trust: TrustState | undefined;
  #claims: Claims | undefined;
  #blockedAt: StageName | undefined;
  /** An install goes step by step; what once worked is mended wherever it is broken. */
  readonly #isInstalled: boolean;

  constructor(mesh: MeshConfig, settings: Settings, deps: Deps, signal: AbortSignal) {
    this.#mesh = mesh;
    this.#settings = settings;
    this.#deps = deps;
    this.#signal = signal;
    this.#isInstalled = mesh.status?.version?.active === settings.version;
  }

  async advance(): Promise<void> {
    this.stage = "Trust";
    const known = this.#mesh.status?.certificates?.root?.fingerprint;
    this.#trust = await this.#deps.trust.ensure(this.#settings, known, this.#signal);
    this.stage = "Namespace";
    const ownsNamespace = await this.#ownsNamespace();
    await this.#perform(this.#render(ownsNamespace, this.#trust, this.#injectionWorked()));
  }

  report(more: readonly StageWait[] = []): Report {
    const { world } = this.#deps;
    const { mesh, version, gateways } = this.#settings;
    return {
      waits: [...more, ...this.#waits],
      blockedAt: more[0]?.stage ?? this.#blockedAt,
      version,
      trust: this.#trust,
      deployments: world.deployments(mesh),
      gateways: gateways.map((gateway) => gatewayState(gateway, world)),
    };
  }

  #render(ownsNamespace: boolean, trust: TrustState, injectionWorks: boolean): readonly Stage[] {
    const { world, crds } = this.#deps;
    const facts: Facts = {
      ownsNamespace,
      trust,
      injectionWorks,
      // A definition that somebody else installed is his to keep up to date.
      crds: crds.filter((crd) => {
        const live = world.live(crd);
        return live === undefined || isManaged(live);
      }),
    };
    return render(this.#settings, facts);
  }

  async #perform(stages: readonly Stage[]): Promise<void> {
    const { client, world, applied } = this.#deps;
    const observed = world.owned(this.#settings.mesh);
    const isInSync: Parameters<typeof plan>[2] = (live, wanted) => applied.isInSync(live, wanted);
    const steps = plan(stages, observed, isInSync);
    this.#claims = new Claims(client, steps, observed);
    for (const step of steps) if (step.kind !== "delete") await this.#take(step, stages);
    // What goes may yet serve in place of what does not work; or hold the address that is waited for.
    if (this.#waits.some(({ reason }) => reason !== ADDRESS_PENDING)) return;
    for (const step of steps)
      if (step.kind === "delete") await this.#attempt(() => this.#remove(step.object));
  }

  async #take(step: Exclude<Step, Delete>, stages: readonly Stage[]): Promise<void> {
    if (this.#blockedAt !== undefined) return;
    this.stage = step.stage;
    if (step.kind === "apply") return this.#attempt(() => this.#make(step.object));
    const stage = stages.find(({ name }) => name === step.stage);
    const wait = stage && !this.#hasWait() && (await this.#wait(stage));
    if (wait) this.#tell(wait);
    if (this.#hasWait() && !this.#isInstalled) this.#blockedAt = step.stage;
  }

  #hasWait(): boolean {
    return this.#waits.some(({ stage }) => stage === this.stage);
  }

  /** Of a write that is refused or fails the status tells; it holds up nothing of the same stage. */
  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const wait = refusalWait(error) ?? failureWait(error);
      if (wait === undefined) throw error;
      this.#tell(wait);
    }
  }

  async #make(object: KubeObject): Promise<void> {
    const conflict = await this.#claims?.conflict(object, this.#signal);
    if (conflict) return this.#tell(conflict);
    await this.#apply(object);
    this.#changed.add(this.stage);
  }

  #tell(wait: Wait): void {
    if (!this.#waits.some(({ message }) => message === wait.message))
      this.#waits.push({ stage: this.stage, ...wait });
  }

  async #wait(stage: Stage): Promise<Wait | undefined> {
    const rootsPem = this.#trust?.rootsPem ?? "";
    const question = {
      stage,
      settings: this.#settings,
      rootsPem,
      isTrusted: this.#isTrusted(stage),
    };
    const wait = await stageWait(question, this.#deps, this.#signal);
    if (stage.name === "Injector" && wait === undefined && !question.isTrusted)
      await this.#enforce();
    return wait;
  }

  /** Whether it was seen to work and nothing happened to it since. */
  #isTrusted({ name }: Stage): boolean {
    if (this.#changed.has(name)) return false;
    if (name === "CRDs") return wasReady(this.#mesh, "CRDsReady");
    const isServing =
      wasReady(this.#mesh, "ControlPlaneReady") && !this.#changed.has("ControlPlane");
    if (name === "ControlPlane") return isServing;
    return isServing && wasReady(this.#mesh, "InjectorReady") && this.#injectionWorked();
  }

  /** A trial pod was injected: from now on pods are refused rather than started without a sidecar. */
  async #enforce(): Promise<void> {
    if (this.#settings.failurePolicy === "Ignore" || this.#trust === undefined) return;
    const stages = this.#render(true, this.#trust, true);
    const webhook = stages.find(({ name }) => name === "Injector")?.objects[0];
    if (webhook) await this.#attempt(() => this.#make(webhook));
  }

  /** Only after a trial was the policy ever set to refuse. */
  #injectionWorked(): boolean {
    const { failurePolicy, mesh } = this.#settings;
    const live = this.#deps.world.find(KINDS.mutatingWebhookConfiguration, webhookName(mesh));
    if (failurePolicy === "Ignore") return live !== undefined;
    return live?.webhooks?.[0]?.failurePolicy === "Fail";
  }

  /** A namespace that was there before is not ours: it is neither labelled nor removed. */
  async #ownsNamespace(): Promise<boolean> {
    const { client, world } = this.#deps;
    const { namespace: name, mesh } = this.#settings;
    if (world.owned(mesh).has(`v1 Namespace ${name}`)) return true;
    const live = await client.get(KINDS.namespace, { name }, this.#signal);
    // One that is about to go is ours when it is made anew.
    return live === undefined || live.metadata.deletionTimestamp !== undefined;
  }

  async #apply(object: KubeObject): Promise<void> {
    const { applied, world, events, log } = this.#deps;
    const previous = world.live(object);
    const isTouched = applied.isTouched(previous, object);
    const isRepair = isTouched && this.#isInstalled && wasReady(this.#mesh);
    const live = await applied.apply(object, this.#signal);
    if (previous?.metadata.resourceVersion === live.metadata.resourceVersion) return;
    world.learn(live);
    log.debug(`applied ${objectName(object)}`);
    if (!isRepair || this.#mesh.status?.observedGeneration !== this.#mesh.metadata.generation)
      return;
    const message = `${objectName(object)} was ${previous ? "changed" : "deleted"} by somebody else and is as it should be again`;
    await events.emit(this.#mesh, { type: "Warning", reason: "Restored", message }, this.#signal);
  }

  async #remove(object: KubeObject): Promise<void> {
    const { client, applied, log } = this.#deps;
    const kind = Object.values(KINDS).find((one) => one.kind === object.kind);
    // Definitions hold users' objects; they go only with the mesh, and only when empty.
    if (kind === undefined || kind === KINDS.customResourceDefinition) return;
    await client.remove(kind, object.metadata, { uid: object.metadata.uid }, this.#signal);
    applied.forget(object);
    log.info(`deleted ${objectName(object)}: the mesh does not need it any more`);
  }
}

/** Writes the status if it says something new, and tells users of what they should see. */
async function report(
  mesh: MeshConfig,
  found: Report,
  deps: Deps,
  signal: AbortSignal,
): Promise<number> {
  const status = statusOf(mesh, found, deps.now());
  if (!isSameStatus(mesh.status, status)) {
    const { apiVersion, kind, metadata } = mesh;
    const written = await deps.client.apply(
      { apiVersion, kind, metadata: { name: metadata.name }, status },
      { manager: MANAGER, force: true, subresource: "status" },
      signal,
    );
    deps.world.learn(written);
    await announce(mesh, found, deps, signal);
  }
  return nextLookMs(found, deps.now());
}

function nextLookMs({ waits, trust }: Report, now: Date): number {
  if (waits.length > 0)
    return waits.some(({ reason }) => ASKED.includes(reason)) ? ASK_AGAIN_MS : AGAIN_MS;
  if (trust === undefined) return LONGEST_MS;
  return Math.min(LONGEST_MS, Math.max(0, trust.notAfter.getTime() - now.getTime()));
}

async function announce(
  mesh: MeshConfig,
  { refusal, waits, version }: Report,
  { events, log }: Deps,
  signal: AbortSignal,
): Promise<void> {
  const trouble = refusal ?? waits.find(({ stalled }) => stalled);
  const [wait] = waits;
  if (trouble) {
    const { reason, message } = trouble;
    await events.emit(mesh, { type: "Warning", reason, message }, signal);
  } else if (wait) log.info(wait.message, { stage: wait.stage, reason: wait.reason });
  else if (!wasReady(mesh))
    await events.emit(
      mesh,
      {
        type: "Normal",
        reason: "Ready",
        message: `all of mesh ${mesh.metadata.name} works, version ${version}`,
      },
      signal,
    );
}
