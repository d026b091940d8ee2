import type { EncodedResource, ResourceSet } from "../xds/resource.ts";

/** Small messages keep memory low while many clients connect: they are written as they drain. */
export const CHUNK_BYTES = 50_000;
/** A change of virtual hosts stays in one message, so that a domain can move between hosts. */
export const CHANGE_BYTES = 1_000_000;

export interface Batch {
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** What may go out now of one type, as of one target: taken from the front, batch by batch. */
export class Work {
  readonly target: ResourceSet;
  /** When to look again if nothing happens before (ms). */
  readonly dueAt: number;
  #together: readonly EncodedResource[];
  #alone: readonly EncodedResource[];
  #removed: readonly string[];

  constructor(
    at: { readonly target: ResourceSet; readonly dueAt: number },
    {
      together,
      alone,
      removed,
    }: {
      readonly together: readonly EncodedResource[];
      /** Sent one by one: they were rejected, perhaps for the company they were in. */
      readonly alone: readonly EncodedResource[];
      readonly removed: readonly string[];
    },
  ) {
    this.target = at.target;
    this.dueAt = at.dueAt;
    this.#together = together;
    this.#alone = alone;
    this.#removed = removed;
  }

  get hasRemovals(): boolean {
    return this.#removed.length > 0;
  }

  /** Whether there is nothing more to take as long as this is the target. */
  isDoneFor(target: ResourceSet): boolean {
    const left = this.#together.length + this.#alone.length + this.#removed.length;
    return target === this.target && left === 0 && this.dueAt === Number.POSITIVE_INFINITY;
  }

  takeResources(limit: number): Batch | undefined {
    const suspect = this.#together.length === 0;
    const from = suspect ? this.#alone : this.#together;
    const count = suspect ? 1 : fitting(from, limit);
    const resources = from.slice(0, count);
    if (suspect) this.#alone = from.slice(count);
    else this.#together = from.slice(count);
    return resources.length === 0 ? undefined : { resources, removed: [] };
  }

  takeRemoved(): Batch | undefined {
    const removed = this.#removed;
    this.#removed = [];
    return removed.length === 0 ? undefined : { resources: [], removed };
  }

  /** Removals go with the first resources, so that a name or domain can move from one to another. */
  take(limit: number): Batch | undefined {
    const removed = this.takeRemoved()?.removed ?? [];
    const resources =
      removed.length > 0 && this.#together.length === 0
        ? []
        : (this.takeResources(limit)?.resources ?? []);
    return resources.length + removed.length === 0 ? undefined : { resources, removed };
  }
}

/** How many of them, from the front, fit into a response; at least one. */
export function fitting(resources: readonly EncodedResource[], limit: number): number {
  let size = 0;
  let count = 0;
  for (const { bytes } of resources) {
    if (count > 0 && size + bytes.length > limit) break;
    size += bytes.length;
    count++;
  }
  return count;
}
