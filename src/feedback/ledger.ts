import type { Condition } from "../api/conditions.ts";
import { apiVersionOf, KINDS, type Kind, type ServiceEntry } from "../api/kinds.ts";
import { type KubeObject, objectKey } from "../api/object.ts";
import type { Sink } from "../store/sink.ts";
import { type Allocation, allocationOf } from "./addresses.ts";

/** What the status writer must know of an object. */
export interface Entry {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly conditions: readonly Condition[];
  /** Of a ServiceEntry. */
  readonly allocation?: Allocation;
}

interface ConditionsStatus {
  readonly conditions?: readonly Condition[];
}

/** The objects that have a status to be kept, by the name that messages give them. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(id: string) => void>();

  get ids(): Iterable<string> {
    return this.#entries.keys();
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Calls back after each change of an entry; returns the undo. */
  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where a reflector of the kind puts what it sees. */
  sink(kind: Kind): Sink<KubeObject> {
    const prefix = `${kind.kind} `;
    const upsert = (object: KubeObject): void =>
      this.#put(prefix + objectKey(object), kind, object);
    return {
      replace: (objects) => {
        const kept = new Set(objects.map((object) => prefix + objectKey(object)));
        for (const id of this.#entries.keys())
          if (id.startsWith(prefix) && !kept.has(id)) this.#drop(id);
        for (const object of objects) upsert(object);
      },
      upsert,
      remove: (key) => this.#drop(prefix + key),
    };
  }

  /** Our own write's answer: the watch will say the same, a little later. */
  written(id: string, before: Entry, object: KubeObject): void {
    if (this.#entries.get(id) === before) this.#entries.set(id, entryOf(before, object));
  }

  #put(id: string, kind: Kind, object: KubeObject): void {
    const { namespace = "", name } = object.metadata;
    const identity = { apiVersion: apiVersionOf(kind), kind: kind.kind, namespace, name };
    this.#entries.set(id, entryOf(identity, object));
    this.#tell(id);
  }

  #drop(id: string): void {
    if (this.#entries.delete(id)) this.#tell(id);
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

function entryOf(
  { apiVersion, kind, namespace, name }: Pick<Entry, "apiVersion" | "kind" | "namespace" | "name">,
  object: KubeObject,
): Entry {
  const { metadata, status } = object;
  const { resourceVersion = "", generation = 0 } = metadata;
  const { conditions = [] } = (status as ConditionsStatus | undefined) ?? {};
  return {
    apiVersion,
    kind,
    namespace,
    name,
    resourceVersion,
    generation,
    conditions,
    ...(kind === KINDS.serviceEntry.kind && {
      allocation: allocationOf(object as ServiceEntry),
    }),
  };
}
