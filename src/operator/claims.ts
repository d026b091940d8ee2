/** Names that are free to be taken: what somebody else made is neither changed nor, later, deleted. */
import { kindOf } from "../api/kinds.ts";
import { type KubeObject, objectKey, objectName } from "../api/object.ts";
import { isManaged } from "../install/metadata.ts";
import { identity, type Step } from "../install/plan.ts";
import type { Wait } from "../install/readiness.ts";
import type { StageName } from "../install/render.ts";
import type { Client } from "../kube/client.ts";
import { isOwn } from "./applied.ts";

/** Whose the objects of the other stages are is known before they are rendered. */
const CLAIMED: readonly StageName[] = ["RBAC", "ControlPlane", "Injector", "Gateways"];

export class Claims {
  readonly #client: Client;
  readonly #missing: readonly KubeObject[];
  readonly #found = new Map<string, Wait | undefined>();

  /** @param owned what exists of the mesh, by identity: it is not asked for again */
  constructor(client: Client, steps: readonly Step[], owned: ReadonlyMap<string, KubeObject>) {
    this.#client = client;
    this.#missing = steps.flatMap((step) =>
      step.kind === "apply" && CLAIMED.includes(step.stage) && !owned.has(identity(step.object))
        ? [step.object]
        : [],
    );
  }

  /**
   * What is in the way of an object. Those of one name, such as all that a gateway consists of, are
   * looked for together: either all of them may be made or none.
   */
  async conflict(object: KubeObject, signal: AbortSignal): Promise<Wait | undefined> {
    if (!this.#missing.includes(object)) return undefined;
    const key = objectKey(object);
    if (!this.#found.has(key)) this.#found.set(key, await this.#ask(key, signal));
    return this.#found.get(key);
  }

  async #ask(key: string, signal: AbortSignal): Promise<Wait | undefined> {
    for (const object of this.#missing) {
      if (objectKey(object) !== key) continue;
      const live = await this.#client.get(kindOf(object), object.metadata, signal);
      if (live !== undefined && !isMade(live)) return taken(live);
    }
    return undefined;
  }
}

/** Its labels may have been edited; that we once wrote it stays on record. */
const isMade = (live: KubeObject): boolean =>
  isManaged(live) || (live.metadata.managedFields ?? []).some(isOwn);

const taken = (live: KubeObject): Wait => ({
  reason: "Conflict",
  message: `${objectName(live)} exists and is somebody else's: it is left as it is; delete it, or choose another name or namespace in the MeshConfig`,
  stalled: true,
});
