/** What a gateway opens to the world. */

export interface GatewayServer {
  readonly port: number;
  readonly name: string;
  readonly protocol: "HTTP" | "HTTPS" | "TCP" | "TLS";
  /** Full names or wildcards; a namespace before `/` restricts whose routes may attach. */
  readonly hosts: readonly { readonly namespace?: string; readonly host: string }[];
  /** Answer every request with a redirect to https. */
  readonly httpsRedirect?: boolean;
}

export interface Gateway {
  /** `namespace/name`. */
  readonly key: string;
  readonly source: string;
  /** Pods it configures: those of any namespace that carry all these labels. */
  readonly selector: Readonly<Record<string, string>>;
  readonly servers: readonly GatewayServer[];
}
