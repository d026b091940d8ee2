import { localityText, nodeLocality, podLocality } from "../api/locality.ts";

/** What authentication needs of a pod. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  /** `region/zone/subzone`; empty: not known. */
  readonly locality: string;
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
  readonly spec?: { readonly serviceAccountName?: string; readonly nodeName?: string };
}

type NodeObject = Pick<PodObject, "metadata">;

const keyOf = ({ namespace, name }: Pick<PodInfo, "namespace" | "name">): string =>
  `${namespace}/${name}`;

/** An index of pods by name, and of where their nodes are; reflectors feed both. */
export class PodIndex implements Pods {
  /** Takes nodes. */
  readonly nodes = {
    replace: (objects: readonly NodeObject[]): void => {
      const names = new Set(objects.map(({ metadata }) => metadata.name));
      for (const name of this.#places.keys()) if (!names.has(name)) this.#moved(name, "");
      for (const object of objects) this.nodes.upsert(object);
    },
    upsert: ({ metadata: { name, labels } }: NodeObject): void =>
      this.#moved(name, localityText(nodeLocality(labels))),
    remove: (name: string): void => this.#moved(name, ""),
  };
  readonly #places = new Map<string, string>();
  readonly #pods = new Map<string, PodInfo>();
  readonly #listeners = new Set<(key: string) => void>();

  find({ uid, ...ref }: PodRef): PodInfo | undefined {
    const pod = this.#pods.get(keyOf(ref));
    if (pod?.uid !== uid) return undefined;
    return { ...pod, locality: pod.locality || (this.#places.get(pod.node) ?? "") };
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

  #moved(node: string, place: string): void {
    if ((this.#places.get(node) ?? "") === place) return;
    if (place === "") this.#places.delete(node);
    else this.#places.set(node, place);
    for (const [key, pod] of this.#pods) if (pod.node === node) this.#tell(key);
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}

const NOWHERE = { region: "", zone: "" };

function infoOf({ metadata, spec }: PodObject): PodInfo {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid ?? "",
    serviceAccount: spec?.serviceAccountName ?? "default",
    labels: metadata.labels ?? {},
    node: spec?.nodeName ?? "",
    locality: localityText(podLocality(metadata.labels) ?? NOWHERE),
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
