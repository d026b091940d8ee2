import type { EncodedResource } from "../xds/resource.ts";
import type { Fresh } from "./roll.ts";

/** Clusters that a client was sent and has not accepted, which it does when they are warm. */
export class Warming {
  /** With the nonce of the response that carries the newest of each. */
  readonly #single = new Map<string, string>();
  readonly #fresh = new Map<string, Fresh>();

  get isEmpty(): boolean {
    return this.#single.size === 0 && this.#fresh.size === 0;
  }

  has(cluster: string): boolean {
    if (this.#single.has(cluster)) return true;
    for (const { names } of this.#fresh.values()) if (names.has(cluster)) return true;
    return false;
  }

  add(cluster: string, nonce: string): void {
    this.#single.set(cluster, nonce);
  }

  addFresh(fresh: Fresh, nonce: string): void {
    this.#fresh.set(nonce, fresh);
  }

  settled(nonce: string, clusters: readonly EncodedResource[]): void {
    this.#fresh.delete(nonce);
    if (this.#single.size === 0) return;
    for (const { name } of clusters)
      if (this.#single.get(name) === nonce) this.#single.delete(name);
  }
}
