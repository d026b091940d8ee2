import type { EncodedResource, ResourceSet, ResourceType, Scope, Scopes } from "../xds/resource.ts";

const NONE: ResourceSet = { generation: 0, resources: new Map(), changedSince: () => new Set() };

/** One scope for everybody, whose content a test writes by hand. */
export class HandMadeScopes implements Scopes, Scope {
  readonly #sets = new Map<ResourceType, ResourceSet>();
  readonly #changes = new Map<ResourceType, Map<string, number>>();
  readonly #listeners = new Set<() => void>();
  acquired = 0;

  acquire(): { readonly scope: Scope; release(): void } {
    this.acquired += 1;
    return { scope: this, release: () => void (this.acquired -= 1) };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  of(type: ResourceType): ResourceSet {
    return this.#sets.get(type) ?? NONE;
  }

  /** Writes several types at once, as one batch of input: `undefined` removes. */
  write(
    edits: Partial<Record<ResourceType, Readonly<Record<string, EncodedResource | undefined>>>>,
  ): void {
    for (const [type, byName] of Object.entries(edits))
      this.#writeType(type as ResourceType, byName);
    for (const listener of this.#listeners) listener();
  }

  #writeType(
    type: ResourceType,
    edits: Readonly<Record<string, EncodedResource | undefined>>,
  ): void {
    const before = this.of(type);
    const generation = before.generation + 1;
    const resources = new Map(before.resources);
    const changes = this.#changes.get(type) ?? new Map<string, number>();
    this.#changes.set(type, changes);
    for (const [name, next] of Object.entries(edits)) {
      if (next === undefined) resources.delete(name);
      else resources.set(name, next);
      changes.set(name, generation);
    }
    this.#sets.set(type, {
      generation,
      resources,
      changedSince: (since) =>
        new Set([...changes].filter(([, at]) => at > since && at <= generation).map(([n]) => n)),
    });
  }
}
