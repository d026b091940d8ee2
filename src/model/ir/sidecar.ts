/** What workloads say of the traffic they want to see, as the Sidecar resource has it. */
import type { ServerTls } from "./listener.ts";
import type { Protocol } from "./service.ts";
import type { ConnectionPool } from "./traffic.ts";

/** Hosts that a workload wants to reach. */
export interface HostImport {
  /** Of the services and routing: a namespace, `*` for any, `.` for the workload's own. */
  readonly namespace: string;
  /** A name, `*.name` or `*`. */
  readonly host: string;
}

/** Where a workload's outgoing connections arrive. */
export interface EgressListener {
  readonly imports: readonly HostImport[];
  /** Patterns of hosts that are left out of what is imported. */
  readonly excluded: readonly string[];
  /** Absent: every port of the imported hosts; 0: that of a Unix domain socket. */
  readonly port?: number;
  /** Absent: what the service says. */
  readonly protocol?: Protocol;
  /** A proxy in the old sense: requests name any host, whatever its port. */
  readonly isHttpProxy?: boolean;
  /** An address, or the path of a Unix domain socket. */
  readonly bind?: string;
  /** Whether connections get here by capture; else the proxy listens for them. */
  readonly captured: boolean;
}

/** Where connections to a workload arrive, in place of the ports of its services. */
export interface IngressListener {
  readonly port: number;
  readonly protocol: Protocol;
  readonly bind?: string;
  readonly captured: boolean;
  /** Where the application is; absent: at the address and port that were called. */
  readonly endpoint?:
    | { readonly kind: "address"; readonly address: string; readonly port: number }
    /** The workload's own address. */
    | { readonly kind: "workload"; readonly port: number }
    | { readonly kind: "pipe"; readonly path: string };
  readonly tls?: Extract<ServerTls, { mode: "terminate" }>;
  readonly connections?: ConnectionPool;
  readonly connectTimeoutMs?: number;
}

/** What becomes of traffic to destinations that the workload does not see. */
export type UnknownTraffic =
  | { readonly kind: "allow" }
  | { readonly kind: "block" }
  | {
      readonly kind: "proxy";
      readonly host: string;
      readonly port: number;
      readonly subset?: string;
    };

export interface Sidecar {
  /** `Sidecar namespace/name`. */
  readonly source: string;
  readonly egress?: readonly EgressListener[];
  readonly ingress?: readonly IngressListener[];
  readonly unknown?: UnknownTraffic;
  /** Of all ports of the workload. */
  readonly inbound?: { readonly connections: ConnectionPool; readonly connectTimeoutMs?: number };
}

/** A proxy, as far as it decides which Sidecar counts for it; fields are read only where they matter. */
export interface Onlooker {
  readonly kind: "sidecar" | "gateway" | "grpc";
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}
