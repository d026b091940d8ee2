/** What a gateway opens to the world. */

/** How a server speaks TLS; `passthrough` leaves it to the destination, which the greeting names. */
export type ServerTls =
  | { readonly mode: "passthrough" }
  | {
      readonly mode: "terminate";
      /** `required`: clients must show a certificate; `optional`: they may. */
      readonly clientCertificate?: "required" | "optional";
      /** Where the server's certificate is: secrets in the gateway's namespace, or files. */
      readonly credentials: readonly string[];
      readonly files: readonly { readonly chain: string; readonly key: string }[];
      /** The mesh's own certificate and roots. */
      readonly mesh?: boolean;
      readonly caCredential?: string;
      readonly caFile?: string;
      readonly subjectAltNames: readonly string[];
      readonly spki: readonly string[];
      readonly hashes: readonly string[];
      readonly minVersion?: TlsVersion;
      readonly maxVersion?: TlsVersion;
      readonly cipherSuites: readonly string[];
    };

export type TlsVersion = "1.0" | "1.1" | "1.2" | "1.3";

export interface GatewayServer {
  readonly port: number;
  readonly name: string;
  /** HTTPS is HTTP within `tls`; TLS is bytes within it, or passed through. */
  readonly protocol: "HTTP" | "HTTPS" | "TCP" | "TLS";
  /** Always there for HTTPS and TLS. */
  readonly tls?: ServerTls;
  /** Address to listen on, if not on all. */
  readonly bind?: string;
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
