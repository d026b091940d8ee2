import { KeyObject, type webcrypto } from "node:crypto";

export type Key = webcrypto.CryptoKey;

export const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
export const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
/** How everything is signed; for an RSA key the name comes from the key. */
export const SIGN = { name: "ECDSA", hash: "SHA-256" } as const;

export const generateKey = (): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(P256, true, ["sign", "verify"]);

export const keyPem = (key: Key): string =>
  KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();
