/** HTTP routing, as every dialect (Istio, Gateway API) means it and as no dialect spells it. */

export type StringMatch =
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string }
  | { readonly kind: "present" };

export type PathMatch =
  | { readonly kind: "exact"; readonly path: string; readonly ignoreCase?: boolean }
  /** Istio: "/rev" matches "/reviews". */
  | { readonly kind: "prefix"; readonly path: string; readonly ignoreCase?: boolean }
  /** Gateway API: "/rev" matches "/rev" and "/rev/1", not "/reviews". */
  | { readonly kind: "segments"; readonly path: string }
  | { readonly kind: "regex"; readonly pattern: string };

/** All conditions hold together. */
export interface HttpMatch {
  readonly name?: string;
  readonly path: PathMatch;
  /** Header conditions, pseudo headers (`:method`, `:authority`, `:scheme`) among them. */
  readonly headers: readonly {
    readonly name: string;
    readonly match: StringMatch;
    readonly invert?: boolean;
  }[];
  readonly query: readonly { readonly name: string; readonly match: StringMatch }[];
  /** Conditions on the claims of the request's token, which a filter before has verified. */
  readonly claims?: readonly ClaimMatch[];
  /** Only on this port of the listener; absent is every port. */
  readonly port?: number;
  /** Only for workloads with these labels, in this namespace; a gateway that is named ignores both. */
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  /** Gateways (`namespace/name`, or `mesh` for sidecars) this match is for; absent: all of the rule's. */
  readonly gateways?: readonly string[];
  /** Prefix of statistics about the requests that match. */
  readonly statPrefix?: string;
}

export interface ClaimMatch {
  /** As the user writes it. */
  readonly name: string;
  /** Where in the token: each key leads one object deeper. */
  readonly path: readonly string[];
  /** Of a list one element is enough. */
  readonly match: StringMatch;
  readonly invert?: boolean;
}

export interface HeaderOperations {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface Destination {
  readonly host: string;
  /** Absent: the service's only port, else the port of the listener. */
  readonly port?: number;
  readonly subset?: string;
  readonly weight: number;
  /** What the destination sees as the request's host. */
  readonly authority?: string;
  readonly requestHeaders?: HeaderOperations;
  readonly responseHeaders?: HeaderOperations;
}

export interface Redirect {
  readonly path?: string;
  /** Replaces what the match's prefix matched. */
  readonly prefix?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly port?: number;
  readonly portFromRequest?: boolean;
  readonly code: 301 | 302 | 303 | 307 | 308;
}

export interface Rewrite {
  readonly prefix?: string;
  readonly regex?: { readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

export type HttpAction =
  | {
      readonly kind: "forward";
      readonly destinations: readonly Destination[];
      readonly rewrite?: Rewrite;
    }
  | { readonly kind: "redirect"; readonly redirect: Redirect }
  | {
      readonly kind: "respond";
      readonly status: number;
      readonly body?: string;
      /** A body that is no text, in base64. */
      readonly bytes?: string;
    };

export interface Retry {
  readonly attempts: number;
  /** Envoy's conditions and status codes, comma-separated; empty is the mesh's default. */
  readonly on: string;
  readonly perTryTimeoutMs?: number;
  readonly backoffMs?: number;
  readonly ignorePreviousHosts?: boolean;
  readonly remoteLocalities?: boolean;
}

/** Faults put into requests on purpose; each strikes its percentage of them, 0 to 100. */
export interface Fault {
  readonly delay?: { readonly percent: number; readonly ms: number };
  readonly abort?: {
    readonly percent: number;
    readonly status:
      | { readonly kind: "http"; readonly code: number }
      | { readonly kind: "grpc"; readonly code: number };
  };
}

/** A copy of the request goes there, too; the answer is thrown away. */
export interface Mirror {
  readonly host: string;
  readonly port?: number;
  readonly subset?: string;
  /** Above 0, at most 100. */
  readonly percent: number;
}

/** https://developer.mozilla.org/docs/Web/HTTP/CORS */
export interface Cors {
  readonly origins: readonly StringMatch[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeMs?: number;
  readonly credentials?: boolean;
  /** Whether preflights of origins that do not match are left to the destination. */
  readonly forwardUnmatched: boolean;
}

/** One rule: the first rule with a matching match wins. */
export interface HttpRule {
  readonly name: string;
  /** ORed; never empty (no condition is one match of prefix "/"). */
  readonly matches: readonly HttpMatch[];
  readonly action: HttpAction;
  /** Whole-request budget in milliseconds; absent or 0 is "no limit". */
  readonly timeoutMs?: number;
  /** Absent: the mesh's default; `attempts: 0`: never. */
  readonly retry?: Retry;
  readonly fault?: Fault;
  readonly mirrors?: readonly Mirror[];
  readonly cors?: Cors;
  readonly requestHeaders?: HeaderOperations;
  readonly responseHeaders?: HeaderOperations;
}

/** The rules of one source object for its hosts. */
export interface HttpRoutes {
  /** The object they come from, e.g. `VirtualService shop/reviews`. */
  readonly source: string;
  readonly namespace: string;
  readonly name: string;
  /** Full names or wildcards (`*.example.com`, `*`). */
  readonly hosts: readonly string[];
  /** `mesh` and/or `namespace/name` of gateways. */
  readonly gateways: readonly string[];
  readonly rules: readonly HttpRule[];
}

/** All conditions hold together. */
export interface StreamMatch {
  /** Names or wildcards, one of which the client's TLS greeting has; absent in TCP rules. */
  readonly sniHosts?: readonly string[];
  /** CIDRs, one of which the connection was meant for. */
  readonly destinationSubnets?: readonly string[];
  /** A CIDR that the client is in. */
  readonly sourceSubnet?: string;
  /** As in `HttpMatch`. */
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
}

/** Where connections go; `destinations` is empty where none can be reached: they are closed. */
export interface StreamRule {
  /** ORed; never empty (no condition is one empty match). */
  readonly matches: readonly StreamMatch[];
  readonly destinations: readonly Destination[];
}

/** The rules of one source object for connections whose content proxies do not look at. */
export interface StreamRoutes {
  readonly source: string;
  readonly namespace: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly gateways: readonly string[];
  /** By the name in the TLS greeting. */
  readonly tls: readonly StreamRule[];
  readonly tcp: readonly StreamRule[];
}
