/**
 * The mesh's certificate authority: its root, what it issues, and who keeps whom supplied.
 * Keys are ECDSA P-256 unless a user brings a CA of their own. Nothing here talks to Kubernetes
 * but through the narrow interfaces its files declare.
 */
import "reflect-metadata";
import {
  createHash,
  createPrivateKey,
  type KeyObject,
  type webcrypto,
  X509Certificate,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import { CA_SECRET, OPERATOR_NAMESPACE } from "../api/names.ts";
import { MeshError } from "../util/errors.ts";
import { generateKey, type Key, keyPem, P256, RSA, SIGN } from "./key.ts";

const HOUR_MS = 3_600_000;
/** Clocks of nodes lag: a root of this minute must not be "not yet valid" there. */
const ROOT_BACKDATE_MS = HOUR_MS;

/** The data of a Secret in the layout that Istio's users know as `cacerts`. */
export interface Cacerts {
  /** The issuing certificate: the root itself, or an intermediate below it. */
  readonly "ca-cert.pem": string;
  readonly "ca-key.pem": string;
  /** Every root that workloads trust; during a rotation old and new. */
  readonly "root-cert.pem": string;
  /** From the issuing certificate towards the root. */
  readonly "cert-chain.pem": string;
}

/** A certificate authority that is ready to sign. */
export interface Issuer {
  readonly certificate: x509.X509Certificate;
  readonly key: Key;
  /** What follows a leaf in its chain: the intermediates, without any root; may be empty. */
  readonly intermediatesPem: string;
  /** The bundle that workloads trust. */
  readonly rootsPem: string;
  /** Until then all of them are good, from the issuing certificate up to its root. */
  readonly notAfter: Date;
  /** Changes when the issuing certificate or the bundle does; equal on every replica. */
  readonly generation: string;
}

/** A new self-signed root, as the data of its Secret. */
export async function createRoot({
  trustDomain,
  now,
  ttlMs,
}: {
  readonly trustDomain: string;
  readonly now: Date;
  readonly ttlMs: number;
}): Promise<Cacerts> {
  const keys = await generateKey();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ O: [trustDomain] }, { CN: ["Meshwright root CA"] }],
    keys,
    notBefore: new Date(now.getTime() - ROOT_BACKDATE_MS),
    notAfter: new Date(now.getTime() + ttlMs),
    signingAlgorithm: SIGN,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = `${certificate.toString("pem")}\n`;
  return {
    "ca-cert.pem": pem,
    "ca-key.pem": keyPem(keys.privateKey),
    "root-cert.pem": pem,
    "cert-chain.pem": pem,
  };
}

/**
 * Checks what a Secret holds and makes an issuer of it.
 *
 * @param source names the Secret in messages, e.g. `Secret mesh-system/cacerts`
 * @throws MeshError `MESH0402` if a part is missing, does not parse, or does not fit the others;
 *   `MESH0401` if the CA, or what is above it, has expired
 */
export async function loadIssuer(
  files: Readonly<Partial<Record<keyof Cacerts, string>>>,
  { source, now }: { readonly source: string; readonly now: Date },
): Promise<Issuer> {
  const caPem = part(files, "ca-cert.pem", source);
  const rootsPem = part(files, "root-cert.pem", source);
  const [ca] = certificates(caPem, "ca-cert.pem", source);
  const roots = certificates(rootsPem, "root-cert.pem", source);
  const chain = files["cert-chain.pem"]
    ? certificates(files["cert-chain.pem"], "cert-chain.pem", source)
    : [];
  if (ca === undefined) throw invalid(source, "ca-cert.pem holds no certificate");
  if (!ca.ca) throw invalid(source, "ca-cert.pem is not a CA certificate (basicConstraints CA)");
  const { intermediates, root } = path(ca, chain, roots, source);
  const key = await signingKey(part(files, "ca-key.pem", source), ca, source);
  const first = [ca, ...intermediates, root].reduce((a, b) => (endOf(a) <= endOf(b) ? a : b));
  const notAfter = new Date(endOf(first));
  if (notAfter <= now) throw expired(source, first);
  return {
    certificate: new x509.X509Certificate(ca.raw),
    key,
    intermediatesPem: intermediates.map((c) => c.toString()).join(""),
    rootsPem,
    notAfter,
    generation: createHash("sha256").update(ca.raw).update(rootsPem).digest("hex").slice(0, 12),
  };
}

const expired = (source: string, certificate: X509Certificate): MeshError =>
  new MeshError(
    "MESH0401",
    `the CA in ${source} expired at ${new Date(endOf(certificate)).toISOString()}: "${nameOf(certificate)}"`,
    { hint: replacementHint(source) },
  );

const MASTER = `Secret ${OPERATOR_NAMESPACE}/${CA_SECRET}`;

/** What the operator made beside the control plane it writes again from its own Secret. */
export function replacementHint(source: string): string {
  const other = source === MASTER ? "" : `, or into ${MASTER} if the operator made that one`;
  return `put a CA that is still valid into ${source}${other}; keep the old root in root-cert.pem until every workload has a new certificate`;
}

const invalid = (source: string, what: string, cause?: unknown): MeshError =>
  new MeshError("MESH0402", `the CA in ${source} cannot be used: ${what}`, {
    hint: `${source} needs ca-cert.pem, ca-key.pem (PEM, not encrypted), root-cert.pem and, for an intermediate CA, cert-chain.pem; delete it to have the operator restore its own`,
    cause,
  });

function part(
  files: Readonly<Partial<Record<keyof Cacerts, string>>>,
  name: keyof Cacerts,
  source: string,
): string {
  const text = files[name];
  if (!text?.trim()) throw invalid(source, `${name} is missing or empty`);
  return text.endsWith("\n") ? text : `${text}\n`;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificates(pem: string, name: string, source: string): X509Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
  } catch (cause) {
    throw invalid(source, `${name} holds a certificate that does not parse`, cause);
  }
}

interface Path {
  /** Between a leaf and the root: none if the CA is a root itself. */
  readonly intermediates: readonly X509Certificate[];
  /** The trusted one above them; of several that could be, the one that is good for longest. */
  readonly root: X509Certificate;
}

function path(
  ca: X509Certificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  source: string,
): Path {
  const intermediates: X509Certificate[] = [];
  let last = ca;
  while (!roots.some((root) => root.fingerprint256 === last.fingerprint256)) {
    intermediates.push(last);
    const [root] = roots.filter((one) => issued(one, last)).sort((a, b) => endOf(b) - endOf(a));
    if (root) return { intermediates, root };
    const next = chain.find((c) => issued(c, last) && !intermediates.includes(c));
    if (next === undefined)
      throw invalid(
        source,
        `cert-chain.pem does not lead from "${nameOf(last)}" to a root in root-cert.pem`,
      );
    last = next;
  }
  return { intermediates, root: last };
}

const nameOf = ({ subject }: X509Certificate): string => subject.replaceAll("\n", ", ");

const endOf = ({ validTo }: X509Certificate): number => new Date(validTo).getTime();

const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

async function signingKey(pem: string, ca: X509Certificate, source: string): Promise<Key> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw invalid(source, "ca-key.pem is not a readable private key", cause);
  }
  if (!ca.checkPrivateKey(key))
    throw invalid(source, "ca-key.pem is not the key of the certificate in ca-cert.pem");
  const der = key.export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", der, keyAlgorithm(key, source), false, ["sign"]);
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

function keyAlgorithm(key: KeyObject, source: string): typeof RSA | webcrypto.EcKeyAlgorithm {
  if (key.asymmetricKeyType === "rsa") return RSA;
  const namedCurve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (namedCurve === undefined)
    throw invalid(source, "ca-key.pem is neither an RSA nor an ECDSA P-256 or P-384 key");
  return { ...P256, namedCurve };
}
