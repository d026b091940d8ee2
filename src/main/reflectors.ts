import type { Kind } from "../api/kinds.ts";
import { type KubeObject, objectKey } from "../api/object.ts";
import type { Client, Selection } from "../kube/client.ts";
import { type Reflection, type ReflectOptions, reflect } from "../kube/watch.ts";
import type { Sink } from "../store/sink.ts";
import type { Log } from "../util/log.ts";

/** The watches of one process: whether all have caught up, and which have trouble. */
export class Reflectors {
  readonly #client: Client;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #reflections = new Map<string, Reflection>();

  constructor(client: Client, log: Log, signal: AbortSignal) {
    this.#client = client;
    this.#log = log;
    this.#signal = signal;
  }

  start<T extends KubeObject>(
    kind: Kind<T>,
    sink: Sink<T>,
    selection: Selection & Pick<ReflectOptions<T>, "mayBeRefused"> = {},
  ): void {
    const options = { ...selection, signal: this.#signal, log: this.#log };
    const { namespace, fieldSelector } = selection;
    const name = [kind.kind, namespace, fieldSelector].filter(Boolean).join(" ");
    this.#reflections.set(name, reflect(this.#client, kind, sink, options));
  }

  /** Resolves when every watch has seen once all that it may see. */
  async synced(): Promise<void> {
    await Promise.all(this.#reflections.values().map(({ synced }) => synced));
  }

  /** Resolves when the signal has ended them all; rejects if one met a bug of ours. */
  async done(): Promise<void> {
    await Promise.all(this.#reflections.values().map(({ done }) => done));
  }

  /** Watches whose last word from the API server was a failure. */
  unhealthy(): readonly string[] {
    return [...this.#reflections].flatMap(([name, { healthy }]) => (healthy() ? [] : [name]));
  }
}

/** One watch that feeds two. */
export function both<T>(first: Sink<T>, second: Sink<T>): Sink<T> {
  return {
    replace(objects) {
      first.replace(objects);
      second.replace(objects);
    },
    upsert(object) {
      first.upsert(object);
      second.upsert(object);
    },
    remove(key) {
      first.remove(key);
      second.remove(key);
    },
  };
}

/** A watch of some of a kind's objects that feeds what holds them all: a list replaces only its own. */
export function partOf<T extends KubeObject>(whole: Sink<T>): Sink<T> {
  const own = new Set<string>();
  const upsert = (object: T): void => {
    own.add(objectKey(object));
    whole.upsert(object);
  };
  const remove = (key: string): void => {
    if (own.delete(key)) whole.remove(key);
  };
  return {
    replace(objects) {
      const listed = new Set(objects.map(objectKey));
      for (const key of own) if (!listed.has(key)) remove(key);
      for (const object of objects) upsert(object);
    },
    upsert,
    remove,
  };
}

/** What one needs of each object, by key, and word of every change. */
export class Cache<T extends KubeObject, V> implements Sink<T> {
  readonly values = new Map<string, V>();
  readonly #project: (object: T) => V | undefined;
  readonly #onChange: () => void;

  /** @param project `undefined`: nothing of the object is of interest */
  constructor(project: (object: T) => V | undefined, onChange: () => void = () => {}) {
    this.#project = project;
    this.#onChange = onChange;
  }

  replace(objects: readonly T[]): void {
    this.values.clear();
    for (const object of objects) this.#put(object);
    this.#onChange();
  }

  upsert(object: T): void {
    this.#put(object);
    this.#onChange();
  }

  remove(key: string): void {
    if (this.values.delete(key)) this.#onChange();
  }

  #put(object: T): void {
    const value = this.#project(object);
    if (value === undefined) this.values.delete(objectKey(object));
    else this.values.set(objectKey(object), value);
  }
}
