/**
 * Resources that a proxy did not take as users' patches made them. The model is told, and makes them
 * without the patch that is to blame, so that one bad EnvoyFilter does not keep a gateway from
 * everything that comes after; here is kept what to say of it.
 */
import type { Caller } from "../ads/auth.ts";
import type { Rejection } from "../ads/connection.ts";
import type { Refusal } from "../feedback/rejections.ts";
import type { MeshModel } from "../model/dataflow.ts";
import { omittedPatches } from "../xds/provenance.ts";
import type { ResourceType } from "../xds/resource.ts";

/** Versions that are remembered: far more than there are patches that are tried at once. */
const MOST = 1_000;

interface Refused {
  readonly proxy: Caller;
  readonly type: ResourceType;
  readonly name: string;
  readonly message: string;
}

export class RefusedPatches {
  readonly #model: MeshModel;
  readonly #refused = new Map<string, Refused>();

  constructor(model: MeshModel) {
    this.#model = model;
  }

  /** @param proxy as it is connected, if it still is */
  heard({ type, resources, message }: Rejection, proxy: Caller | undefined): void {
    const [only, ...others] = resources;
    if (only?.isPatched === undefined || others.length > 0 || proxy === undefined) return;
    this.#refused.set(only.version, { proxy, type, name: only.name, message });
    this.#model.sinks.refusedVersions.upsert(only);
    for (const version of this.#refused.keys()) {
      if (this.#refused.size <= MOST) break;
      this.#forget(version);
    }
  }

  /** What is left out now, and why. What is no longer in question is forgotten. */
  refusals(): readonly Refusal[] {
    const { engine, mesh } = this.#model;
    const known = new Map<string, Refusal>();
    for (const [version, { proxy, type, name, message }] of this.#refused) {
      const omitted = omittedPatches(mesh(engine), proxy.view, { type, name });
      if (omitted.length === 0) this.#forget(version);
      for (const { source, path } of omitted) {
        const resource = `${type} ${name}`;
        const id = [proxy.key, source, path, resource].join(" ");
        if (!known.has(id))
          known.set(id, { proxy: proxy.key, sources: [source], resource, message, without: path });
      }
    }
    return [...known.values()];
  }

  #forget(version: string): void {
    this.#refused.delete(version);
    this.#model.sinks.refusedVersions.remove(version);
  }
}
