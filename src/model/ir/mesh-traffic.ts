/** What holds in the whole mesh unless something narrower says otherwise. Absent is Envoy's or our default. */
import type { Retry } from "./route.ts";
import type { ConnectionPool, OutlierDetection } from "./traffic.ts";

/** Bounds of a TLS handshake. */
export interface TlsBounds {
  readonly minVersion?: "1.2" | "1.3";
  readonly cipherSuites: readonly string[];
  readonly curves: readonly string[];
}

/** How requests' paths are put into one form before anything looks at them. */
export type PathNormalization = "none" | "base" | "merge-slashes" | "decode-and-merge-slashes";

export type ClientCertForwarding =
  | "SANITIZE"
  | "FORWARD_ONLY"
  | "APPEND_FORWARD"
  | "SANITIZE_SET"
  | "ALWAYS_FORWARD_ONLY";

/** Headers that proxies set or take away. */
export interface ProxyHeaders {
  readonly forwardedClientCert?: ClientCertForwarding;
  readonly clientCertDetails?: {
    readonly subject?: boolean;
    readonly cert?: boolean;
    readonly chain?: boolean;
    readonly dns?: boolean;
    readonly uri?: boolean;
  };
  readonly requestId?: boolean;
  /** What clients are told of the server; `false`: what the application says of itself. */
  readonly server?: string | false;
  readonly attemptCount?: boolean;
  readonly envoyHeaders?: boolean;
  readonly preserveCase?: boolean;
  readonly forwardedHost?: boolean;
  readonly forwardedPort?: boolean;
}

/** What clients of gateways may hold, and for how long. */
export interface EdgeLimits {
  readonly listenerBufferBytes?: number;
  readonly clusterBufferBytes?: number;
  readonly maxConnections?: number;
  readonly idleTimeoutMs?: number;
  readonly maxConnectionMs?: number;
  readonly maxStreamMs?: number;
  readonly drainTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly requestHeadersTimeoutMs?: number;
  readonly streamIdleTimeoutMs?: number;
  readonly maxConcurrentStreams?: number;
  readonly streamWindowBytes?: number;
  readonly connectionWindowBytes?: number;
  readonly underscores?: "ALLOW" | "REJECT_REQUEST" | "DROP_HEADER";
  readonly mergeSlashes?: boolean;
  readonly escapedSlashes?:
    | "KEEP_UNCHANGED"
    | "REJECT_REQUEST"
    | "UNESCAPE_AND_REDIRECT"
    | "UNESCAPE_AND_FORWARD";
}

export interface MeshTraffic {
  /** Of every destination. */
  readonly connections?: ConnectionPool;
  readonly outlier?: OutlierDetection;
  /** Proxies wait this long for a client's first bytes; absent or 0: as long as it takes. */
  readonly detectionTimeoutMs?: number;
  /** A line in Envoy's format, or fields each of which has one. */
  readonly accessLog?: {
    readonly text?: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  };
  /** Whether applications are called at 127.0.0.1. */
  readonly callsLoopback?: boolean;
  /** Whether mutual TLS is left to those who ask for it. */
  readonly explicitMtls?: boolean;
  readonly dnsRefreshMs?: number;
  readonly inboundStatName?: string;
  readonly outboundStatName?: string;
  readonly paths?: PathNormalization;
  readonly retry?: Retry;
  readonly inboundRetry?: Retry;
  readonly meshTls?: TlsBounds;
  readonly otherTls?: TlsBounds;
  /** Of objects that say nothing of it. */
  readonly exportTo?: {
    readonly services?: readonly string[];
    readonly virtualServices?: readonly string[];
    readonly destinationRules?: readonly string[];
  };
  readonly gateways?: {
    readonly trustedProxies?: number;
    readonly forwardedClientCert?: ClientCertForwarding;
    readonly proxyProtocol?: boolean;
  };
  readonly headers?: ProxyHeaders;
  readonly edge?: EdgeLimits;
}
