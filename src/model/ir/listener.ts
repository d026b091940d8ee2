/** What a gateway opens to the world. */

/** How a server speaks TLS; `passthrough` leaves it to the destination, which the greeting names. */
export type ServerTls =
  | { readonly mode: "passthrough" }
  /** The greeting names port, subset and host of a service of the mesh, which ends the TLS itself. */
  | { readonly mode: "to-service" }
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
      /** Certificates of the authority that no longer count: a file, as `caFile`. */
      readonly crlFile?: string;
      /** Take clients' certificates whoever has signed them. */
      readonly anyClient?: boolean;
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
  /** Of the port; of servers that end TLS each has its own. */
  readonly name: string;
  /** What its statistics are called, if not by its port. */
  readonly label?: string;
  /** HTTPS is HTTP within `tls`; TLS is bytes within it, or passed through. */
  readonly protocol: "HTTP" | "HTTPS" | "TCP" | "TLS";
  /** Always there for HTTPS and TLS. */
  readonly tls?: ServerTls;
  /** Address to listen on, if not on all: an IP or `unix:///path`. */
  readonly bind?: string;
  /** Where what no routing takes goes, in the proxy's own pod: `127.0.0.1:8080`, `unix:///path`. */
  readonly defaultEndpoint?: string;
  /** Full names or wildcards; a namespace before `/` restricts whose routes may attach. */
  readonly hosts: readonly { readonly namespace?: string; readonly host: string }[];
  /** Answer every request with a redirect to https. */
  readonly httpsRedirect?: boolean;
}

/** Servers that begin alike can share a port: TLS tells them apart by the name that is asked for. */
export const beginning = ({ protocol }: GatewayServer): string =>
  protocol === "HTTPS" || protocol === "TLS" ? "TLS" : protocol;

export interface Gateway {
  /** `namespace/name`. */
  readonly key: string;
  readonly source: string;
  /** Pods it configures: those of any namespace that carry all these labels. */
  readonly selector: Readonly<Record<string, string>>;
  readonly servers: readonly GatewayServer[];
}
