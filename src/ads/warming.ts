import type { EncodedResource } from "../xds/resource.ts";
import type { Held } from "./held.ts";
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

  /** One that changes is in use meanwhile, so it counts only if its endpoints were others, perhaps none. */
  add({ name, assignment = name }: EncodedResource, held: Held | undefined, nonce: string): void {
    const moves = held === undefined || (held.assignment ?? name) !== assignment;
    if (moves || this.has(name)) this.#single.set(name, nonce);
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
