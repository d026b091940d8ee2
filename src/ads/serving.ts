/** A serving certificate that can be replaced while the server runs: new connections get the new one. */

export interface ServingCertificate {
  readonly certChainPem: string;
  readonly keyPem: string;
}

interface IdentityUpdate {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

type Listener = (update: IdentityUpdate | null) => void;

/** In the form that the gRPC server takes; it asks for no client certificates. */
export class ServingCertificates {
  readonly #listeners = new Set<Listener>();
  #current: IdentityUpdate;

  constructor(first: ServingCertificate) {
    this.#current = toUpdate(first);
  }

  replace(next: ServingCertificate): void {
    this.#current = toUpdate(next);
    for (const listener of this.#listeners) listener(this.#current);
  }

  addIdentityCertificateListener(listener: Listener): void {
    this.#listeners.add(listener);
    // Not at once: the gRPC server begins to listen to its credentials only after this returns.
    process.nextTick(() => listener(this.#current));
  }

  removeIdentityCertificateListener(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  addCaCertificateListener(): void {}

  removeCaCertificateListener(): void {}
}

function toUpdate({ certChainPem, keyPem }: ServingCertificate): IdentityUpdate {
  return { certificate: Buffer.from(certChainPem), privateKey: Buffer.from(keyPem) };
}
