/** What authentication needs of a pod. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Pods as the watch last saw them. */
export interface Pods {
  find(ref: PodRef): PodInfo | undefined;
  /** Calls back after a pod appeared, changed or went; returns the undo. */
  onChange(listener: (key: string) => void): () => void;
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly serviceAccountName?: string };
}

const keyOf = ({ namespace, name }: Pick<PodInfo, "namespace" | "name">): string =>
  `${namespace}/${name}`;

/** An index of pods by name; a reflector feeds it. */
export class PodIndex implements Pods {
  readonly #pods = new Map<string, PodInfo>();
  readonly #listeners = new Set<(key: string) => void>();

  find({ uid, ...ref }: PodRef): PodInfo | undefined {
    const pod = this.#pods.get(keyOf(ref));
    return pod?.uid === uid ? pod : undefined;
  }

  onChange(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replace(objects: readonly PodObject[]): void {
    const infos = new Map(objects.map((object) => [keyOf(infoOf(object)), infoOf(object)]));
    const keys = new Set([...this.#pods.keys(), ...infos.keys()]);
    this.#pods.clear();
    for (const [key, info] of infos) this.#pods.set(key, info);
    for (const key of keys) this.#tell(key);
  }

  upsert(object: PodObject): void {
    const info = infoOf(object);
    const key = keyOf(info);
    const before = this.#pods.get(key);
    this.#pods.set(key, info);
    if (JSON.stringify(before) !== JSON.stringify(info)) this.#tell(key);
  }

  remove(key: string): void {
    if (this.#pods.delete(key)) this.#tell(key);
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}

function infoOf({ metadata, spec }: PodObject): PodInfo {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid ?? "",
    serviceAccount: spec?.serviceAccountName ?? "default",
    labels: metadata.labels ?? {},
  };
}

/** The pod, as soon as the watch has seen it; `undefined` if it has not within `waitMs`. */
export async function findSoon(
  pods: Pods,
  ref: PodRef,
  waitMs: number,
): Promise<PodInfo | undefined> {
  const known = pods.find(ref);
  if (known !== undefined) return known;
  const { promise, resolve } = Promise.withResolvers<PodInfo | undefined>();
  const timer = setTimeout(() => resolve(undefined), waitMs);
  const undo = pods.onChange((key) => {
    if (key !== keyOf(ref)) return;
    const pod = pods.find(ref);
    if (pod !== undefined) resolve(pod);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    undo();
  }
}
