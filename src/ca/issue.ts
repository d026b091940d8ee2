import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { CACERTS_SECRET } from "../api/names.ts";
import { MeshError } from "../util/errors.ts";
import { generateKey, keyPem, SIGN } from "./key.ts";
import { type Issuer, replacementHint } from "./root.ts";

/** Who a workload is; the trust domain is the mesh's. */
export interface Identity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface IssuedCertificate {
  /** The leaf, then the intermediates; never a root. */
  readonly certChainPem: string;
  readonly keyPem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When to replace it: half its life is left then. */
  readonly renewAt: Date;
}

interface Validity {
  /** Wanted lifetime; cut to what the issuer has left. */
  readonly ttlMs: number;
  /** Start of validity; `notBefore` is set two minutes earlier for clocks that lag. */
  readonly now: Date;
}

const BACKDATE_MS = 120_000;
const LEAST_LEFT_MS = 60_000;

export const spiffeId = ({ trustDomain, namespace, serviceAccount }: Identity): string =>
  `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;

/**
 * A workload's certificate with a fresh key: one URI SAN, critical because there is no subject.
 *
 * @param identity what the caller has authenticated, as `spiffeId` writes it
 * @throws MeshError `MESH0401` if the issuer has less than a minute left
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
export const issueWorkload = (
  issuer: Issuer,
  { identity, ...validity }: { readonly identity: string } & Validity,
): Promise<IssuedCertificate> =>
  issue(issuer, validity, {
    names: [{ type: "url", value: identity }],
    usages: [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth],
  });

/**
 * A serving certificate for the control plane's own ports.
 *
 * @throws MeshError `MESH0401` if the issuer has less than a minute left
 */
export const issueServing = (
  issuer: Issuer,
  { dnsNames, ...validity }: { readonly dnsNames: readonly string[] } & Validity,
): Promise<IssuedCertificate> =>
  issue(issuer, validity, {
    names: dnsNames.map((value) => ({ type: "dns", value })),
    usages: [x509.ExtendedKeyUsage.serverAuth],
  });

async function issue(
  issuer: Issuer,
  { ttlMs, now }: Validity,
  leaf: {
    readonly names: x509.JsonGeneralNames;
    readonly usages: readonly x509.ExtendedKeyUsage[];
  },
): Promise<IssuedCertificate> {
  const leftMs = issuer.notAfter.getTime() - now.getTime();
  if (leftMs < LEAST_LEFT_MS) throw exhausted(issuer);
  const lifeMs = Math.min(ttlMs, leftMs);
  const notBefore = new Date(now.getTime() - BACKDATE_MS);
  const notAfter = new Date(now.getTime() + lifeMs);
  const keys = await generateKey();
  const certificate = await x509.X509CertificateGenerator.create({
    issuer: issuer.certificate.subjectName,
    subject: [],
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: { ...SIGN, name: issuer.key.algorithm.name },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([...leaf.usages]),
      await authorityKey(issuer.certificate),
      new x509.SubjectAlternativeNameExtension(leaf.names, true),
    ],
  });
  return {
    certChainPem: `${certificate.toString("pem")}\n${issuer.intermediatesPem}`,
    keyPem: keyPem(keys.privateKey),
    notBefore,
    notAfter,
    renewAt: new Date(now.getTime() + lifeMs / 2),
  };
}

/** The key by the name that the CA gives it (RFC 5280, 4.2.1.1); verifiers compare the two. */
async function authorityKey(ca: x509.X509Certificate): Promise<x509.Extension> {
  const own = ca.getExtension(x509.SubjectKeyIdentifierExtension);
  return own
    ? new x509.AuthorityKeyIdentifierExtension(own.keyId)
    : x509.AuthorityKeyIdentifierExtension.create(ca.publicKey);
}

const exhausted = ({ certificate, notAfter }: Issuer): MeshError =>
  new MeshError(
    "MESH0401",
    `the CA "${certificate.subject}" cannot issue: it expires at ${notAfter.toISOString()}`,
    { hint: replacementHint(`Secret ${CACERTS_SECRET}`) },
  );
