/** Certificates of an authority that has nothing to do with the mesh, as users bring them. */
import { issueServing, issueWorkload } from "../../src/ca/issue.ts";
import { createRoot, type Issuer, loadIssuer } from "../../src/ca/root.ts";

const ROOT_MS = 86_400_000;
const LEAF_MS = 3_600_000;

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class PublicAuthority {
  readonly #issuer: Issuer;

  private constructor(issuer: Issuer) {
    this.#issuer = issuer;
  }

  static async create(): Promise<PublicAuthority> {
    const now = new Date();
    const root = await createRoot({ trustDomain: "public", now, ttlMs: ROOT_MS });
    return new PublicAuthority(await loadIssuer(root, { source: "a root for tests", now }));
  }

  get rootsPem(): string {
    return this.#issuer.rootsPem;
  }

  server(...dnsNames: readonly string[]): Promise<KeyPair> {
    return this.#serving(dnsNames, new Date());
  }

  /** One that was a server's certificate until an hour ago. */
  expired(...dnsNames: readonly string[]): Promise<KeyPair> {
    return this.#serving(dnsNames, new Date(Date.now() - 2 * LEAF_MS));
  }

  async #serving(dnsNames: readonly string[], now: Date): Promise<KeyPair> {
    const options = { dnsNames, ttlMs: LEAF_MS, now };
    const { certChainPem: cert, keyPem: key } = await issueServing(this.#issuer, options);
    return { cert, key };
  }

  async client(identity: string): Promise<KeyPair> {
    const options = { identity, ttlMs: LEAF_MS, now: new Date() };
    const { certChainPem: cert, keyPem: key } = await issueWorkload(this.#issuer, options);
    return { cert, key };
  }
}
