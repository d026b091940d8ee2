/** Names by which proxies ask for certificates, and what is behind those that are files of theirs. */
import { type Credential, ROOTS_SUFFIX } from "../model/ir/credential.ts";
import type { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";

/** Where distributions of Linux, and the proxy's image, keep the roots of the public. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

const CERTIFICATE = "file-cert:";
const ROOTS = "file-root:";
const CREDENTIAL = "kubernetes://";

export interface CertificateFiles {
  readonly chain: string;
  readonly key: string;
}

export const certificateFile = ({ chain, key }: CertificateFiles): string =>
  `${CERTIFICATE}${chain}~${key}`;

/** Without a path, the roots that the proxy's image brings. */
export const rootsFile = (path: string = SYSTEM_ROOTS, crl?: string): string =>
  crl === undefined ? `${ROOTS}${path}` : `${ROOTS}${path}~${crl}`;

/** A Secret of the proxy's own namespace. */
export const credentialCertificate = (name: string): string => `${CREDENTIAL}${name}`;

/** The roots in it, or in a Secret of its name that ends so. */
export const credentialRoots = (name: string): string => `${CREDENTIAL}${name}${ROOTS_SUFFIX}`;

export interface CredentialName {
  readonly name: string;
  readonly roots: boolean;
}

export function parseCredential(secret: string): CredentialName | undefined {
  if (!secret.startsWith(CREDENTIAL)) return undefined;
  const name = secret.slice(CREDENTIAL.length);
  return name.endsWith(ROOTS_SUFFIX)
    ? { name: name.slice(0, -ROOTS_SUFFIX.length), roots: true }
    : { name, roots: false };
}

/**
 * A secret that says which files to read. In the cluster itself a file that is not there would have
 * the proxy refuse the cluster, and with it all others of the message.
 */
export function fileSecret(name: string): Secret | undefined {
  if (name.startsWith(ROOTS)) {
    const [trusted = "", revoked] = name.slice(ROOTS.length).split("~");
    return {
      name,
      validationContext: {
        trustedCa: { filename: trusted },
        ...(revoked !== undefined && { crl: { filename: revoked } }),
      },
    };
  }
  if (!name.startsWith(CERTIFICATE)) return undefined;
  const [chain = "", key = ""] = name.slice(CERTIFICATE.length).split("~");
  return {
    name,
    tlsCertificate: { certificateChain: { filename: chain }, privateKey: { filename: key } },
  };
}

/** A secret whose content the control plane brings: a certificate, or the roots to trust. */
export function credentialSecret(
  name: string,
  { certificate, roots, revoked }: Credential,
  part: "certificate" | "roots",
): Secret | undefined {
  if (part === "certificate")
    return (
      certificate && {
        name,
        tlsCertificate: {
          certificateChain: { inlineString: certificate.chain },
          privateKey: { inlineString: certificate.key },
        },
      }
    );
  return roots === undefined
    ? undefined
    : { name, validationContext: { trustedCa: { inlineString: roots }, ...crl(revoked) } };
}

const crl = (revoked: string | undefined) =>
  revoked === undefined ? {} : { crl: { inlineString: revoked } };
