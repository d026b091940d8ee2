/** Whether a stage works: by looking, and where no status tells, by asking. */
import type { Pod } from "../api/gen/kubernetes.ts";
import type { MeshConfigStatus } from "../api/gen/mesh-config.ts";
import { apiVersionOf, definedKind, KINDS, type Live } from "../api/kinds.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { isManaged } from "../install/metadata.ts";
import {
  addressesOf,
  addressWait,
  podTrouble,
  rolloutWait,
  type Wait,
} from "../install/readiness.ts";
import type { Stage, StageName } from "../install/render.ts";
import type { GatewaySettings, Settings } from "../install/settings.ts";
import type { Client } from "../kube/client.ts";
import type { Deps } from "./deps.ts";
import type { World } from "./world.ts";

export interface Question {
  readonly stage: Stage;
  readonly settings: Settings;
  readonly rootsPem: string;
  /** What was seen to work, and has not changed since, is not asked again. */
  readonly isTrusted: boolean;
}

export async function stageWait(
  question: Question,
  deps: Deps,
  signal: AbortSignal,
): Promise<Wait | undefined> {
  const { objects } = question.stage;
  const leaving = objects.map((object) => deps.world.live(object)).find(isLeaving);
  if (leaving) return { reason: "Terminating", message: `${objectName(leaving)} is being deleted` };
  return CHECKS[question.stage.name]?.(question, deps, signal);
}

type Check = typeof stageWait;

/** What has no row here is done when it is written. */
const CHECKS: Readonly<Partial<Record<StageName, Check>>> = {
  CRDs: async ({ isTrusted }, deps, signal) => (isTrusted ? undefined : unserved(deps, signal)),
  ControlPlane: async ({ stage, settings, rootsPem, isTrusted }, deps, signal) => {
    const wait = await rollout(stage, deps, signal);
    return wait ?? (isTrusted ? undefined : deps.probes.xds(settings, rootsPem, signal));
  },
  Injector: async ({ settings, isTrusted }, deps, signal) =>
    isTrusted ? undefined : deps.probes.injection(settings, signal),
  Gateways: async ({ stage }, deps, signal) =>
    (await rollout(stage, deps, signal)) ?? addresses(stage, deps),
};

const isLeaving = (object: KubeObject | undefined): object is KubeObject =>
  object?.metadata.deletionTimestamp !== undefined;

/** A definition counts when the API server serves what it defines, whoever installed it. */
async function unserved(
  { client, crds, world }: Deps,
  signal: AbortSignal,
): Promise<Wait | undefined> {
  const groups = Map.groupBy(crds, (definition) => apiVersionOf(definedKind(definition)));
  const { groups: served } = (await client.request(
    { doing: "ask what the API serves", method: "GET", path: "/apis" },
    signal,
  )) as ApiGroupList;
  const known = new Set(served.flatMap(({ versions }) => versions.map((v) => v.groupVersion)));
  for (const [version, definitions] of groups) {
    const plurals = known.has(version) ? await pluralsOf(version, client, signal) : new Set();
    const missing = definitions.find((definition) => !plurals.has(definedKind(definition).plural));
    if (missing) return definitionWait(missing, world.live(missing));
  }
  return undefined;
}

function definitionWait(wanted: KubeObject, live: KubeObject | undefined): Wait {
  if (live === undefined || isManaged(live))
    return { reason: "Establishing", message: `${objectName(wanted)} is not served yet` };
  const { version } = definedKind(wanted);
  return {
    reason: "OutdatedDefinition",
    message: `${objectName(wanted)} is somebody else's and does not serve ${version}: upgrade it`,
    stalled: true,
  };
}

async function pluralsOf(
  version: string,
  client: Client,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { resources } = (await client.request(
    { doing: `ask what ${version} serves`, method: "GET", path: `/apis/${version}` },
    signal,
  )) as ApiResourceList;
  return new Set(resources.map(({ name }) => name));
}

interface ApiGroupList {
  readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
}

interface ApiResourceList {
  readonly resources: readonly { readonly name: string }[];
}

async function rollout(
  { objects }: Stage,
  deps: Deps,
  signal: AbortSignal,
): Promise<Wait | undefined> {
  for (const wanted of objects) {
    if (wanted.kind !== KINDS.deployment.kind) continue;
    const live = deps.world.find(
      KINDS.deployment,
      `${wanted.metadata.namespace}/${wanted.metadata.name}`,
    );
    if (live === undefined)
      return { reason: "RollingOut", message: `${objectName(wanted)} does not exist yet` };
    const wait = rolloutWait(live);
    if (wait) return explained(wait, live, deps, signal);
  }
  return undefined;
}

/** The pods know why. */
async function explained(
  wait: Wait,
  { metadata, spec }: KubeObject,
  { client }: Deps,
  signal: AbortSignal,
): Promise<Wait> {
  const { matchLabels } = (spec as { selector: { matchLabels?: Record<string, string> } }).selector;
  const labelSelector = Object.entries(matchLabels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const { namespace } = metadata;
  const pods: readonly Live<Pod>[] = await client.list(
    KINDS.pod,
    { namespace, labelSelector },
    signal,
  );
  const trouble = podTrouble(pods);
  if (trouble === undefined) return wait;
  return { ...wait, reason: trouble.reason, message: `${wait.message}; ${trouble.message}` };
}

/** Of one gateway as it runs, whatever else of the mesh is not as it should be. */
export function gatewayState(
  { name, namespace }: Pick<GatewaySettings, "name" | "namespace">,
  world: World,
): NonNullable<MeshConfigStatus["gateways"]>[number] {
  const deployment = world.find(KINDS.deployment, `${namespace}/${name}`);
  const service = world.find(KINDS.service, `${namespace}/${name}`);
  const reached = service ? addressesOf(service) : [];
  const isRolledOut = deployment !== undefined && rolloutWait(deployment) === undefined;
  return {
    name,
    namespace,
    addresses: [...reached],
    ready: isRolledOut && reached.length > 0,
  };
}

function addresses({ objects }: Stage, { world }: Deps): Wait | undefined {
  return objects
    .filter(({ kind }) => kind === KINDS.service.kind)
    .map((wanted) =>
      world.find(KINDS.service, `${wanted.metadata.namespace}/${wanted.metadata.name}`),
    )
    .map((live) => live && addressWait(live))
    .find((wait) => wait !== undefined);
}
