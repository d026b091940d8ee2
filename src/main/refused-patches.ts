/**
 * Resources that a proxy did not take as users' patches made them. The model is told, and makes them
 * without the patch that is to blame, so that one bad EnvoyFilter does not keep a gateway from
 * everything that comes after; here is kept what to say of it. A patch may be refused of everything
 * that there is: a version costs no more than to look up what is made in its stead.
 */
import type { Connection, Rejection } from "../ads/connection.ts";
import type { Refusal } from "../feedback/rejections.ts";
import type { MeshModel } from "../model/dataflow.ts";
import type { EnvoyPatch } from "../model/ir/envoy-filter.ts";
import { refusedAdditions } from "../xds/patch/added.ts";
import type { ResourceType } from "../xds/resource.ts";

/** Versions of no concern to anybody who is connected that are remembered, as proxies come back. */
const MOST = 1_000;

interface Refused {
  readonly proxy: string;
  readonly type: ResourceType;
  readonly name: string;
  readonly message: string;
}

/** A connected proxy, and what it should have. */
type Connected = Pick<Connection, "caller" | "resource">;

/** By the proxy's name; one that has just come back may be connected twice. */
type ByName = ReadonlyMap<string, readonly Connected[]>;

export class RefusedPatches {
  readonly #model: MeshModel;
  readonly #connected: () => Iterable<Connected>;
  readonly #refused = new Map<string, Refused>();
  #limit = MOST;

  constructor(model: MeshModel, connected: () => Iterable<Connected>) {
    this.#model = model;
    this.#connected = connected;
  }

  heard({ proxy, type, resources, message }: Rejection): void {
    const [only, ...others] = resources;
    if (only?.isPatched === undefined || others.length > 0) return;
    // The newest is last.
    this.#refused.delete(only.version);
    this.#refused.set(only.version, { proxy, type, name: only.name, message });
    this.#model.sinks.refusedVersions.upsert(only);
    if (this.#refused.size > this.#limit) this.#sweep();
  }

  /**
   * What is left out now, and why; of a patch at a proxy, the first resource by name. What is no
   * longer in question is forgotten.
   */
  refusals(): readonly Refusal[] {
    const told = new Map<string, Refusal>();
    const over: string[] = [];
    const proxies = Map.groupBy(this.#connected(), ({ caller }) => caller.key);
    for (const [version, refused] of this.#refused) {
      const one = this.#concerned(version, refused, proxies);
      if (one !== undefined) this.#tell(refused, one, told);
      else if (proxies.has(refused.proxy)) over.push(version);
    }
    this.#forget(over);
    return [...told.values()];
  }

  /** A proxy that has something else in the version's stead: who refused it, or who is still there. */
  #concerned(version: string, refused: Refused, proxies: ByName): Connected | undefined {
    const isConcerned = (one: Connected): boolean => this.#omitted(one, refused).length > 0;
    const own = proxies.get(refused.proxy);
    const found = own?.find(isConcerned);
    // To look at what there is brings it up to date: only then nothing is read that is over.
    if (!this.#isInQuestion(version)) return undefined;
    if (own !== undefined) return found;
    const other = [...proxies.values()].flat().find(isConcerned);
    if (other !== undefined) this.#refused.set(version, { ...refused, proxy: other.caller.key });
    return other;
  }

  /** Whether anybody's resource is what it is because of the version, as far as it is known. */
  #isInQuestion(version: string): boolean {
    return this.#model.sinks.refusedVersions.isRead(version);
  }

  #omitted(one: Connected, refused: Refused): readonly EnvoyPatch[] {
    const { engine, mesh } = this.#model;
    const made = one.resource(refused.type, refused.name);
    if (made !== undefined) return made.patches?.omitted ?? [];
    return refusedAdditions(mesh(engine), one.caller.view, refused);
  }

  #tell(refused: Refused, one: Connected, told: Map<string, Refusal>): void {
    const { key } = one.caller;
    const resource = `${refused.type} ${refused.name}`;
    for (const { source, path } of this.#omitted(one, refused)) {
      const id = [key, source, path].join(" ");
      const known = told.get(id);
      if (known !== undefined && known.resource <= resource) continue;
      const { message } = refused;
      told.set(id, { proxy: key, sources: [source], resource, message, without: path });
    }
  }

  /** Of what concerns nobody who is connected, the newest is kept. */
  #sweep(): void {
    const idle = [...this.#refused.keys()].filter((version) => !this.#isInQuestion(version));
    this.#forget(idle.slice(0, -MOST));
    this.#limit = this.#refused.size + MOST;
  }

  /** In one batch, for each concerns all proxies. */
  #forget(versions: readonly string[]): void {
    const { engine, sinks } = this.#model;
    engine.batch(() => {
      for (const version of versions) {
        this.#refused.delete(version);
        sinks.refusedVersions.remove(version);
      }
    });
  }
}
