/** Changes that users make to Envoy's configuration itself, as patches of what is translated. */
type Labels = Readonly<Record<string, string>>;

/** A message in Envoy's canonical JSON, known to be one that Envoy has. */
export type EnvoyMessage = Readonly<Record<string, unknown>>;

export type PatchSubject =
  | "LISTENER"
  | "LISTENER_FILTER"
  | "FILTER_CHAIN"
  | "NETWORK_FILTER"
  | "HTTP_FILTER"
  | "ROUTE_CONFIGURATION"
  | "VIRTUAL_HOST"
  | "HTTP_ROUTE"
  | "CLUSTER"
  | "EXTENSION_CONFIG";

export type PatchOperation =
  | "MERGE"
  | "MERGE_AND_REPLACE_LIST"
  | "ADD"
  | "REMOVE"
  | "REPLACE"
  | "INSERT_FIRST"
  | "INSERT_BEFORE"
  | "INSERT_AFTER";

/** Which side of a proxy something is on: what comes to a sidecar, what leaves it, or a gateway. */
export type PatchRole = "inbound" | "outbound" | "gateway";

export const PATCH_ROLES: readonly PatchRole[] = ["inbound", "outbound", "gateway"];

/** What a filter is in the order of filters, for those that say nothing else of their place. */
export type FilterClass = "AUTHN" | "AUTHZ" | "STATS";

export interface EnvoyPatch {
  /** Of the object that it stands in: `EnvoyFilter shop/lua`. */
  readonly source: string;
  /** Where in it: `spec.configPatches[0]`. */
  readonly path: string;
  readonly subject: PatchSubject;
  readonly operation: PatchOperation;
  /** Absent: all. */
  readonly role?: PatchRole;
  /** Absent of what is removed. */
  readonly value?: EnvoyMessage;
  readonly filterClass?: FilterClass;
  readonly proxy?: { readonly namespace?: string; readonly serviceAccount?: string };
  readonly listener?: ListenerMatch;
  readonly route?: RouteConfigurationMatch;
  readonly cluster?: ClusterMatch;
}

/** What is absent matches all. */
export interface ListenerMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly portName?: string;
  readonly listenerFilter?: string;
  readonly filterChain?: FilterChainMatch;
}

export interface FilterChainMatch {
  readonly name?: string;
  readonly sni?: string;
  readonly transportProtocol?: string;
  readonly applicationProtocols?: readonly string[];
  readonly destinationPort?: number;
  readonly filter?: string;
  readonly subFilter?: string;
}

export interface RouteConfigurationMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly portName?: string;
  /** `namespace/name` */
  readonly gateway?: string;
  readonly host?: { readonly name?: string; readonly domain?: string };
  readonly route?: { readonly name?: string; readonly action?: RouteActionKind };
}

export type RouteActionKind = "ROUTE" | "REDIRECT" | "DIRECT_RESPONSE";

export interface ClusterMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly service?: string;
  readonly subset?: string;
}

/** What a filter may change: a type of resource on one side of a proxy, or what it adds of a type. */
export type PatchAspect =
  | `${"Listener" | "RouteConfiguration" | "VirtualHost" | "Cluster"} ${PatchRole}`
  | `Added ${"Listener" | "VirtualHost" | "Cluster"}`;

export interface EnvoyFilter {
  /** `namespace/name` */
  readonly key: string;
  readonly source: string;
  /** It is for proxies that have all labels of one of these. */
  readonly selectors: readonly Labels[];
  readonly patches: readonly EnvoyPatch[];
}

/** All that must be known of a filter to know whom it is for. */
export type FilterSelection = Pick<EnvoyFilter, "key" | "selectors">;
