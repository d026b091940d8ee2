import { WORKLOAD_SECRET } from "../api/names.ts";
import type { ResourceSet, ResourceType, Scope } from "../xds/resource.ts";
import { isNamed } from "./references.ts";
import type { ProxySecrets } from "./secrets.ts";
import type { Source } from "./session.ts";

/** What one proxy should have: its scope's resources, and the secrets of its own identity. */
export class ProxySource implements Source {
  #scope: Scope;
  readonly #secrets: ProxySecrets;
  #merged: { readonly scope: ResourceSet; readonly own: ResourceSet; set: ResourceSet } | undefined;
  #generation = 0;

  constructor(scope: Scope, secrets: ProxySecrets) {
    this.#scope = scope;
    this.#secrets = secrets;
  }

  set scope(scope: Scope) {
    this.#scope = scope;
  }

  of(type: ResourceType): ResourceSet {
    return type === "Secret" ? this.#allSecrets() : this.#scope.of(type);
  }

  names(cluster: string): boolean {
    return isNamed(this.#scope, cluster);
  }

  /** A certificate takes a moment to make; "there is none" would be wrong. */
  pending(type: ResourceType, name: string): boolean {
    return type === "Secret" && name === WORKLOAD_SECRET;
  }

  /** The proxy's own secrets, and those that its scope holds, e.g. a gateway's server certificates. */
  #allSecrets(): ResourceSet {
    const scope = this.#scope.of("Secret");
    const own = this.#secrets.current();
    if (this.#merged?.scope !== scope || this.#merged.own !== own) {
      const resources = new Map([...scope.resources, ...own.resources]);
      const set = { generation: ++this.#generation, resources, changedSince: () => undefined };
      this.#merged = { scope, own, set };
    }
    return this.#merged.set;
  }
}
