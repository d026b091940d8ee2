import { isDeepStrictEqual } from "node:util";
import { COMPONENT, INJECTION, MANAGED_BY, MANAGER, MESH, REVISION } from "../api/labels.ts";
import { ROOT_CONFIG_MAP, ROOT_CONFIG_MAP_KEY } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { ROOT_SDS_FILE, rootSds } from "../xds/bootstrap.ts";

/** What proxies mount besides their token: the roots, for people and in the form for Envoy. */
export interface TrustConfigMap extends KubeObject {
  readonly data: Readonly<Record<string, string>>;
}

export interface TrustOptions {
  /** Name of the mesh. */
  readonly mesh: string;
  /** Where gateways run: their pods are not injected and mount the roots all the same. */
  readonly gatewayNamespaces: readonly string[];
  /** The roots of now. */
  readonly bundlePem: () => string;
  /** Labels of every namespace that is not being deleted, by name. */
  readonly namespaces: () => ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The data of each ConfigMap of ours that is known to exist, by namespace. */
  readonly existing: () => ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Server-side apply. */
  readonly apply: (object: TrustConfigMap, signal: AbortSignal) => Promise<void>;
  readonly log: (level: "info" | "warn", message: string) => void;
}

const CONCURRENT_WRITES = 8;

export const trustConfigMap = (
  namespace: string,
  mesh: string,
  bundlePem: string,
): TrustConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: ROOT_CONFIG_MAP,
    namespace,
    labels: { [MANAGED_BY]: MANAGER, [MESH]: mesh, [COMPONENT]: "root-certificate" },
  },
  data: { [ROOT_CONFIG_MAP_KEY]: bundlePem, [ROOT_SDS_FILE]: rootSds(bundlePem) },
});

/**
 * Keeps the roots in every namespace whose pods may mount them: a pod that comes first would wait
 * for kubelet's next try.
 */
export class Trust {
  readonly #options: TrustOptions;
  readonly #writing = new Map<string, Promise<void>>();

  constructor(options: TrustOptions) {
    this.#options = options;
  }

  /** Sees to it that one namespace has the roots; writes nothing if it does. */
  async ensure(namespace: string, signal: AbortSignal): Promise<void> {
    const { apply, bundlePem, existing, mesh } = this.#options;
    const wanted = trustConfigMap(namespace, mesh, bundlePem());
    if (isDeepStrictEqual(existing().get(namespace), wanted.data)) return;
    const writing = this.#writing.get(namespace);
    if (writing !== undefined) return writing;
    const write = apply(wanted, signal).finally(() => this.#writing.delete(namespace));
    this.#writing.set(namespace, write);
    return write;
  }

  /**
   * Brings every namespace up to date: for the leader, whenever a namespace, one of the ConfigMaps
   * or the bundle changed.
   *
   * @returns whether all of them are; else try again later
   */
  async ensureAll(signal: AbortSignal): Promise<boolean> {
    const queue = this.#wanted();
    let isComplete = true;
    const work = async (): Promise<void> => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift())
        if (!(await this.#tried(name, signal))) isComplete = false;
    };
    await Promise.all(Array.from({ length: CONCURRENT_WRITES }, work));
    return isComplete;
  }

  async #tried(namespace: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.ensure(namespace, signal);
      return true;
    } catch (error) {
      const object = `ConfigMap ${namespace}/${ROOT_CONFIG_MAP}`;
      this.#options.log("warn", `${object} could not be written: ${String(error)}`);
      return false;
    }
  }

  /** Where pods may be injected, and where some were: what they mounted must stay fresh. */
  #wanted(): string[] {
    const { existing, gatewayNamespaces, namespaces } = this.#options;
    const has = existing();
    return [...namespaces()]
      .filter(
        ([name, labels]) =>
          gatewayNamespaces.includes(name) ||
          has.has(name) ||
          labels[INJECTION] === "enabled" ||
          labels[REVISION] !== undefined,
      )
      .map(([name]) => name);
  }
}
