/** A certificate authority outside the mesh: servers with names, and lists of what it takes back. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

export interface Leaf {
  readonly certificate: string;
  readonly key: string;
  readonly serialNumber: string;
}

export class Authority {
  readonly certificate: string;
  readonly #root: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  #serial = 1;

  private constructor(root: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#root = root;
    this.#keys = keys;
    this.certificate = root.toString("pem");
  }

  static async create(): Promise<Authority> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const root = await X509CertificateGenerator.createSelfSigned({
      serialNumber: "01",
      name: "CN=Outside",
      ...lifetime(),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new Authority(root, keys);
  }

  async issue(name: string): Promise<Leaf> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    this.#serial += 1;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: this.#serial.toString(16).padStart(2, "0"),
      subject: `CN=${name}`,
      issuer: this.#root.subject,
      ...lifetime(),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
    });
    return {
      certificate: certificate.toString("pem"),
      key: pem("PRIVATE KEY", await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)),
      serialNumber: certificate.serialNumber,
    };
  }

  async revocations(leaves: readonly Leaf[]): Promise<string> {
    const crl = await X509CrlGenerator.create({
      issuer: this.#root.subject,
      thisUpdate: lifetime().notBefore,
      nextUpdate: lifetime().notAfter,
      // With a reason, as BoringSSL refuses the empty list of extensions that there would be without.
      entries: leaves.map(({ serialNumber }) => ({
        serialNumber,
        revocationDate: new Date(),
        reason: X509CrlReason.keyCompromise,
      })),
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
    });
    return pem("X509 CRL", crl.rawData);
  }
}

const lifetime = () => ({
  notBefore: new Date(Date.now() - HOUR_MS),
  notAfter: new Date(Date.now() + HOUR_MS),
});

/** OpenSSL reads lines of at most 64 characters, and knows these labels alone. */
function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
