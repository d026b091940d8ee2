/** The pods that may ask, by the addresses they ask from. */
import type * as kube from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { TLS_MODE } from "../api/labels.ts";
import { objectKey } from "../api/object.ts";
import type { Sink } from "../store/sink.ts";

export interface Asker {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
}

/** Pods with a sidecar, in a network of their own: nobody else is sent here. */
export class Askers implements Sink<Live<kube.Pod>> {
  readonly #byAddress = new Map<string, Asker>();
  readonly #byKey = new Map<string, Asker>();

  find(address: string): Asker | undefined {
    return this.#byAddress.get(address);
  }

  replace(objects: readonly Live<kube.Pod>[]): void {
    const listed = new Set(objects.map(objectKey));
    for (const key of this.#byKey.keys()) if (!listed.has(key)) this.remove(key);
    for (const object of objects) this.upsert(object);
  }

  upsert(object: Live<kube.Pod>): void {
    const key = objectKey(object);
    this.remove(key);
    const asker = askerOf(object, key);
    if (asker === undefined) return;
    this.#byKey.set(key, asker);
    for (const address of asker.addresses) this.#byAddress.set(address, asker);
  }

  /** An address that another pod has by now stays that one's. */
  remove(key: string): void {
    const asker = this.#byKey.get(key);
    if (!this.#byKey.delete(key)) return;
    for (const address of asker?.addresses ?? [])
      if (this.#byAddress.get(address) === asker) this.#byAddress.delete(address);
  }
}

function askerOf(pod: Live<kube.Pod>, key: string): Asker | undefined {
  const { labels = {}, namespace = "default" } = pod.metadata;
  return TLS_MODE in labels && hasOwnNetwork(pod)
    ? { key, namespace, labels, addresses: addressesOf(pod) }
    : undefined;
}

/** The addresses of a pod that has ended may be another's. */
const hasOwnNetwork = ({ spec, status }: Live<kube.Pod>): boolean =>
  spec?.hostNetwork !== true && status?.phase !== "Succeeded" && status?.phase !== "Failed";

function addressesOf({ status }: Live<kube.Pod>): readonly string[] {
  const { podIPs, podIP } = status ?? {};
  return podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);
}
