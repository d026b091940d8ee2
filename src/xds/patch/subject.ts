/** What is patched: a resource as JSON, with what patches may ask of its surroundings. */
import type { EnvoyPatch, PatchRole } from "../../model/ir/envoy-filter.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Json, JsonObject } from "../../proto/reflect/json.ts";
import { merged } from "../../proto/reflect/merge.ts";
import { INBOUND_PASSTHROUGH_CLUSTER, VIRTUAL_INBOUND } from "../names.ts";
import type { ResourceType } from "../resource.ts";
import type { ProxyView } from "../view.ts";

export interface Subject {
  readonly mesh: Mesh;
  readonly view: ProxyView;
  readonly type: ResourceType;
  readonly name: string;
  readonly role: PatchRole;
}

/** Full names of the messages that are patched. */
export const MESSAGES = {
  Listener: "envoy.config.listener.v3.Listener",
  ListenerFilter: "envoy.config.listener.v3.ListenerFilter",
  FilterChain: "envoy.config.listener.v3.FilterChain",
  Filter: "envoy.config.listener.v3.Filter",
  HttpFilter: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  RouteConfiguration: "envoy.config.route.v3.RouteConfiguration",
  VirtualHost: "envoy.config.route.v3.VirtualHost",
  Route: "envoy.config.route.v3.Route",
  Cluster: "envoy.config.cluster.v3.Cluster",
} as const;

/** Which side of the proxy a resource is on, by its name. */
export function roleOf({ kind }: Pick<ProxyView, "kind">, name: string): PatchRole {
  if (kind === "gateway") return "gateway";
  const isInbound =
    name === VIRTUAL_INBOUND || name === INBOUND_PASSTHROUGH_CLUSTER || name.startsWith("inbound|");
  return isInbound ? "inbound" : "outbound";
}

/** What a patch holds. */
export const valueOf = ({ value = {} }: EnvoyPatch): JsonObject => value as JsonObject;

export const isMerge = ({ operation }: EnvoyPatch): boolean =>
  operation === "MERGE" || operation === "MERGE_AND_REPLACE_LIST";

/** A message with what the patch holds merged into it. */
export const mergedWith = (
  patch: EnvoyPatch,
  type: keyof typeof MESSAGES,
  base: JsonObject,
): JsonObject =>
  merged(MESSAGES[type], base, valueOf(patch), patch.operation === "MERGE" ? "append" : "replace");

export const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

export const listOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.map(objectOf) : [];

export const namesOf = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

/** Empty if it has none. */
export const nameOf = ({ name }: JsonObject): string => (typeof name === "string" ? name : "");
