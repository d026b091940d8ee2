import { MANAGER } from "../api/labels.ts";
import type { KubeObject, ManagedFields } from "../api/object.ts";
import { identity } from "../install/plan.ts";
import type { Client } from "../kube/client.ts";
import { contentHash } from "../util/hash.ts";
import { counter } from "../util/metrics.ts";

interface Mark {
  readonly uid: string | undefined;
  /** Of what was applied. */
  readonly rendered: string;
  /** Of the fields that were ours right after it. */
  readonly fields: string;
}

const writes = counter("meshwright_applies_total", "Objects written by server-side apply", [
  "kind",
]);

/**
 * Server-side apply that knows when there is nothing to do.
 *
 * The API server keeps, with each object, the fields that we applied; whoever changes the value of
 * one of them takes it over. So a live object is still what we applied if the fields that are ours
 * are the same as right after we applied it, and what others added does not count. After a restart
 * nothing is known, and everything is applied once; the server stores nothing where nothing differs.
 */
export class Applied {
  readonly #client: Client;
  readonly #marks = new Map<string, Mark>();

  constructor(client: Client) {
    this.#client = client;
  }

  async apply<T extends KubeObject>(wanted: T, signal: AbortSignal): Promise<T> {
    const live = await this.#client.apply(wanted, { manager: MANAGER, force: true }, signal);
    writes.inc({ kind: wanted.kind });
    const mark = { uid: live.metadata.uid, rendered: contentHash(wanted), fields: fields(live) };
    this.#marks.set(identity(wanted), mark);
    return live;
  }

  isInSync(live: KubeObject, wanted: KubeObject): boolean {
    // What is about to go cannot be mended; its end will be told.
    if (live.metadata.deletionTimestamp !== undefined) return true;
    const mark = this.#marks.get(identity(wanted));
    return (
      mark !== undefined &&
      mark.uid === live.metadata.uid &&
      mark.fields === fields(live) &&
      mark.rendered === contentHash(wanted)
    );
  }

  /** Whether it is somebody else's doing that an object is missing, or is not as it is wanted. */
  isTouched(live: KubeObject | undefined, wanted: KubeObject): boolean {
    const mark = this.#marks.get(identity(wanted));
    return mark !== undefined && (live === undefined || mark.rendered === contentHash(wanted));
  }

  forget(object: KubeObject): void {
    this.#marks.delete(identity(object));
  }
}

/** Whether it tells of what we applied. */
export const isOwn = ({ manager, operation, subresource }: ManagedFields): boolean =>
  manager === MANAGER && operation === "Apply" && !subresource;

const fields = ({ metadata: { managedFields = [] } }: KubeObject): string =>
  contentHash(managedFields.find(isOwn)?.fieldsV1 ?? null);
