import { type IssuedCertificate, issueServing, issueWorkload } from "./issue.ts";
import type { Issuer } from "./root.ts";

interface AuthorityOptions {
  /** Lifetime of a workload's certificate. */
  readonly workloadTtlMs: number;
  readonly now: () => Date;
}

/** Lifetime of the control plane's own certificates: short, as it renews them itself. */
const SERVING_TTL_MS = 24 * 3_600_000;

/** The mesh's certificate authority while it runs: it signs with the newest issuer it was given. */
export class Authority {
  readonly #options: AuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #issuer: Issuer;

  constructor(issuer: Issuer, options: AuthorityOptions) {
    this.#issuer = issuer;
    this.#options = options;
  }

  /** @param identity a SPIFFE id that the caller has authenticated */
  issue(identity: string): Promise<IssuedCertificate> {
    const { workloadTtlMs, now } = this.#options;
    return issueWorkload(this.#issuer, { identity, ttlMs: workloadTtlMs, now: now() });
  }

  issueServing(dnsNames: readonly string[]): Promise<IssuedCertificate> {
    return issueServing(this.#issuer, {
      dnsNames,
      ttlMs: SERVING_TTL_MS,
      now: this.#options.now(),
    });
  }

  /** What everybody in the mesh trusts, and a version that changes with it. */
  trustBundle(): { readonly pem: string; readonly version: string } {
    return { pem: this.#issuer.rootsPem, version: this.#issuer.generation };
  }

  /** Takes over another issuer; one that is the same in content changes nothing. */
  replace(issuer: Issuer): void {
    const isSame = issuer.generation === this.#issuer.generation;
    this.#issuer = issuer;
    if (!isSame) for (const listener of this.#listeners) listener();
  }

  /** Calls back when the issuer or the bundle changed; returns the undo. */
  onRootChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
