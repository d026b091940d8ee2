import { createPrivateKey, X509Certificate } from "node:crypto";
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

/** What a Secret holds for TLS, without what a proxy would refuse; `undefined`: nothing. */
export function lowerCredential({ data, type }: Live<kube.Secret>): Credential | undefined {
  if (data === undefined || type === TOKEN) return undefined;
  const credential = defined({
    certificate: certificate(textOf(data, CHAIN), textOf(data, KEY)),
    roots: readable(textOf(data, ROOTS)),
    revoked: textOf(data, REVOKED),
  });
  return Object.keys(credential).length === 0 ? undefined : credential;
}

function textOf(
  data: Readonly<Record<string, string>>,
  names: readonly string[],
): string | undefined {
  const encoded = names.map((name) => data[name]).find((text) => text !== undefined && text !== "");
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

/** A chain with the key that belongs to it. */
function certificate(
  chain: string | undefined,
  key: string | undefined,
): Credential["certificate"] {
  if (chain === undefined || key === undefined) return undefined;
  return parsed(chain, (leaf) => leaf.checkPrivateKey(createPrivateKey(key)))
    ? { chain, key }
    : undefined;
}

function readable(pem: string | undefined): string | undefined {
  return pem !== undefined && parsed(pem, () => true) ? pem : undefined;
}

function parsed(pem: string, holds: (leaf: X509Certificate) => boolean): boolean {
  try {
    return holds(new X509Certificate(pem));
  } catch {
    // Not PEM, or not of a kind that is known: that is the answer.
    return false;
  }
}
