/** Certificates that users bring, as PEM: for gateways' servers and for TLS to hosts outside. */
export interface Credential {
  /** A certificate chain, the leaf first, and its key. */
  readonly certificate?: { readonly chain: string; readonly key: string };
  /** Whom to trust, and which of their certificates no longer. */
  readonly roots?: string;
  readonly revoked?: string;
}

/** Roots may be in a Secret of their own, whose name is the credential's with this behind it. */
export const ROOTS_SUFFIX = "-cacert";
