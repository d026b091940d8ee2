import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type * as kube from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { defined } from "../util/defined.ts";
import type { Credential } from "./ir/credential.ts";

/** Names in a Secret's data: Kubernetes' own first, then those that Istio also takes. */
const CHAIN = ["tls.crt", "cert"];
const KEY = ["tls.key", "key"];
const ROOTS = ["ca.crt", "cacert"];
const REVOKED = ["ca.crl", "crl"];

/** Tokens carry a `ca.crt`, too, and nobody serves with them. */
const TOKEN = "kubernetes.io/service-account-token";

export type CredentialPart = "certificate" | "roots";

/** A Secret: what of it proxies are given, and why not of the rest. Nothing here but `credential` is secret. */
export interface CredentialModel {
  /** `undefined`: there is nothing in it that a proxy would take. */
  readonly credential?: Credential;
  /** In words that go after the Secret's name; the parts that are not in `credential`. */
  readonly faults: Readonly<Partial<Record<CredentialPart, string>>>;
  /** When the other side stops to believe it, in milliseconds since 1970. */
  readonly expires: Readonly<Partial<Record<CredentialPart, number>>>;
}

/** What a Secret holds for TLS, without what a proxy would refuse. */
export function lowerCredential({ data = {}, type }: Live<kube.Secret>): CredentialModel {
  if (type === TOKEN) {
    const fault = `is of type ${TOKEN}`;
    return { faults: { certificate: fault, roots: fault }, expires: {} };
  }
  const certificate = lowerCertificate(entryOf(data, CHAIN), entryOf(data, KEY));
  const roots = lowerRoots(entryOf(data, ROOTS), entryOf(data, REVOKED));
  const credential = defined({
    certificate: certificate.value,
    roots: roots.value?.roots,
    revoked: roots.value?.revoked,
  });
  return {
    ...(Object.keys(credential).length > 0 && { credential }),
    faults: defined({ certificate: certificate.fault, roots: roots.fault }),
    expires: defined({ certificate: certificate.expires, roots: roots.expires }),
  };
}

interface Entry {
  /** Under which it is, or would be. */
  readonly name: string;
  readonly text: string | undefined;
}

function entryOf(data: Readonly<Record<string, string>>, names: readonly string[]): Entry {
  const name = names.find((one) => (data[one] ?? "") !== "");
  if (name === undefined) return { name: names[0] ?? "", text: undefined };
  return { name, text: Buffer.from(data[name] ?? "", "base64").toString() };
}

type LoweredPart<T> =
  | { readonly value: T; readonly expires: number; readonly fault?: undefined }
  | { readonly fault: string; readonly value?: undefined; readonly expires?: undefined };

/** A chain with the key that belongs to it. */
function lowerCertificate(
  chain: Entry,
  key: Entry,
): LoweredPart<NonNullable<Credential["certificate"]>> {
  const missing = [chain, key].filter(({ text }) => text === undefined).map(({ name }) => name);
  if (chain.text === undefined || key.text === undefined)
    return { fault: `has no ${missing.join(" and no ")}` };
  const certificates = certificatesIn(chain.text);
  const [leaf] = certificates ?? [];
  if (certificates === undefined || leaf === undefined)
    return { fault: `has a ${chain.name} that is no certificate in PEM` };
  const fault = keyFault(leaf, chain.name, key);
  if (fault !== undefined) return { fault };
  return {
    value: { chain: chain.text, key: key.text },
    expires: Math.min(...certificates.map(expiryOf)),
  };
}

function keyFault(leaf: X509Certificate, chainName: string, key: Entry): string | undefined {
  const parsed = tried(() => createPrivateKey(key.text ?? ""));
  if (parsed === undefined) return `has a ${key.name} that is no private key in PEM`;
  if (tried(() => leaf.checkPrivateKey(parsed)) !== true)
    return `has a ${key.name} that does not belong to its ${chainName}`;
  return isTaken(parsed)
    ? undefined
    : `has a ${key.name} of a kind that proxies do not take (RSA from 2048 bits on, ECDSA with P-256, P-384 or P-521)`;
}

const CURVES = ["prime256v1", "secp384r1", "secp521r1"];
const LEAST_RSA_BITS = 2048;

/** https://github.com/envoyproxy/envoy/blob/main/source/common/tls/server_context_impl.cc */
function isTaken({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails;
  if (asymmetricKeyType === "rsa") return modulusLength >= LEAST_RSA_BITS;
  return asymmetricKeyType !== "ec" || CURVES.includes(namedCurve);
}

/** Without the list of what is revoked, whom to trust is not known either; proxies would ignore one they cannot read. */
function lowerRoots(
  roots: Entry,
  crl: Entry,
): LoweredPart<{ readonly roots: string; readonly revoked?: string }> {
  if (roots.text === undefined) return { fault: `has no ${roots.name}` };
  const certificates = certificatesIn(roots.text);
  if (certificates === undefined)
    return { fault: `has a ${roots.name} that holds no certificates in PEM` };
  if (crl.text !== undefined && blocksOf(crl.text, CRL).length === 0)
    return { fault: `has a ${crl.name} that is no list of revoked certificates in PEM` };
  return {
    value: { roots: roots.text, ...defined({ revoked: crl.text }) },
    expires: Math.max(...certificates.map(expiryOf)),
  };
}

/** All of them must be certificates, as proxies want it; `undefined`: they are not, or there is none. */
function certificatesIn(pem: string): readonly X509Certificate[] | undefined {
  const parsed = blocksOf(pem, CERTIFICATE).map((one) => tried(() => new X509Certificate(one)));
  const found = parsed.filter((one) => one !== undefined);
  return found.length > 0 && found.length === parsed.length ? found : undefined;
}

const CERTIFICATE = /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/;
const CRL = /^-----BEGIN X509 CRL-----/;

const blocksOf = (pem: string, label: RegExp): readonly string[] =>
  pem.split(/(?=-----BEGIN )/).filter((block) => label.test(block));

const expiryOf = ({ validTo }: X509Certificate): number => Date.parse(validTo);

function tried<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    // Not PEM, or not of a kind that is known: that is the answer.
    return undefined;
  }
}
