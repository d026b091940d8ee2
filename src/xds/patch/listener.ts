/** Patches of listeners, their filter chains and filters, and of the routes that are written in them. */
import type { EnvoyPatch, FilterChainMatch, ListenerMatch } from "../../model/ir/envoy-filter.ts";
import type { Json, JsonObject } from "../../proto/reflect/json.ts";
import { serversByListener } from "../gateway.ts";
import { VIRTUAL_INBOUND, VIRTUAL_OUTBOUND } from "../names.ts";
import { beforeTerminal, byName, homeOf, isCalled, patchedList } from "./list.ts";
import { hasPortName } from "./port-name.ts";
import { patchedInlineRoutes } from "./route.ts";
import {
  isMerge,
  listOf,
  mergedWith,
  namesOf,
  objectOf,
  type Subject,
  valueOf,
} from "./subject.ts";

/** @returns the same object if the patch does not concern it; `undefined` if the listener is to go */
export function patchedListener(
  listener: JsonObject,
  patch: EnvoyPatch,
  subject: Subject,
): JsonObject | undefined {
  if (!isMeant(listener, patch.listener, subject)) return listener;
  if (patch.subject === "FILTER_CHAIN") return patchedChains(listener, patch, subject);
  if (patch.subject === "LISTENER_FILTER")
    return withList(listener, "listenerFilters", (filters) =>
      patchedList(filters, patch, {
        type: "ListenerFilter",
        target: byName(patch.listener?.listenerFilter),
      }),
    );
  if (patch.subject !== "LISTENER")
    return eachChain(listener, (chain) =>
      isMeantChain(chain, patch.listener, subject) ? patchedChain(chain, patch, subject) : chain,
    );
  if (patch.operation === "REMOVE") return undefined;
  return isMerge(patch) ? mergedWith(patch, "Listener", listener) : listener;
}

/** A list in an object, changed; the same object if it has not. */
function withList(
  of: JsonObject,
  field: string,
  change: (list: readonly JsonObject[]) => readonly JsonObject[],
): JsonObject {
  const before = listOf(of[field]);
  const after = change(before);
  const isSame = after.length === before.length && after.every((one, i) => one === before[i]);
  return isSame ? of : { ...of, [field]: [...after] };
}

function eachChain(listener: JsonObject, change: (chain: JsonObject) => JsonObject): JsonObject {
  const changed = withList(listener, "filterChains", (chains) => chains.map(change));
  const { defaultFilterChain: last } = listener;
  if (last === undefined) return changed;
  const next = change(objectOf(last));
  return next === last ? changed : { ...changed, defaultFilterChain: next };
}

const isVirtual = (name: string): boolean => name === VIRTUAL_INBOUND || name === VIRTUAL_OUTBOUND;

function isMeant(listener: JsonObject, match: ListenerMatch = {}, subject: Subject): boolean {
  if (match.name !== undefined && match.name !== subject.name) return false;
  // What capture brings has one listener, whose chains have the ports.
  if (isVirtual(subject.name)) return hasMeantChain(listener, match, subject);
  const { portNumber, portName } = match;
  const ports = portsOf(listener, subject);
  if (portNumber !== undefined && !ports.includes(portNumber)) return false;
  return portName === undefined || hasPortName(portName, subject, ports[0]);
}

const hasMeantChain = (listener: JsonObject, match: ListenerMatch, subject: Subject): boolean =>
  [...listOf(listener["filterChains"]), objectOf(listener["defaultFilterChain"])].some((chain) =>
    isOnPort(chain, match, subject),
  );

/** The port that it listens on, and of a gateway that of its servers. */
function portsOf(listener: JsonObject, { mesh, view, name, role }: Subject): readonly number[] {
  const port = Number(objectOf(objectOf(listener["address"])["socketAddress"])["portValue"]);
  if (role !== "gateway") return [port];
  const servers = serversByListener(mesh, view).get(name) ?? [];
  return [port, ...servers.map(({ server }) => server.port)];
}

/** Whether a chain of a listener for many ports is for the port that is meant. */
function isOnPort(chain: JsonObject, match: ListenerMatch, subject: Subject): boolean {
  if (!isVirtual(subject.name)) return true;
  const port = objectOf(chain["filterChainMatch"])["destinationPort"];
  if (match.portNumber !== undefined && port !== match.portNumber) return false;
  return match.portName === undefined || hasPortName(match.portName, subject, Number(port));
}

function isMeantChain(chain: JsonObject, match: ListenerMatch = {}, subject: Subject): boolean {
  const { filterChain } = match;
  if (!isOnPort(chain, match, subject)) return false;
  if (filterChain === undefined) return true;
  return isCriterion(chain, filterChain) && hasFilters(chain, filterChain);
}

function isCriterion(
  chain: JsonObject,
  { name, sni, transportProtocol, applicationProtocols = [], destinationPort }: FilterChainMatch,
): boolean {
  const on = objectOf(chain["filterChainMatch"]);
  const is = (sought: Json | undefined, actual: Json | undefined): boolean =>
    sought === undefined || sought === actual;
  return (
    is(name, chain["name"]) &&
    is(transportProtocol, on["transportProtocol"]) &&
    is(destinationPort, on["destinationPort"]) &&
    (sni === undefined || namesOf(on["serverNames"]).includes(sni)) &&
    applicationProtocols.every((one) => namesOf(on["applicationProtocols"]).includes(one))
  );
}

function hasFilters(chain: JsonObject, { filter, subFilter }: FilterChainMatch): boolean {
  const named = listOf(chain["filters"]).filter(
    (one) => filter === undefined || isCalled(one, filter),
  );
  if (named.length === 0) return filter === undefined && subFilter === undefined;
  return subFilter === undefined || named.some((one) => hasSubFilter(one, subFilter));
}

const hasSubFilter = (filter: JsonObject, name: string): boolean =>
  listOf(objectOf(filter["typedConfig"])["httpFilters"]).some((one) => isCalled(one, name));

function patchedChains(listener: JsonObject, patch: EnvoyPatch, subject: Subject): JsonObject {
  const isChain = (chain: JsonObject): boolean => isMeantChain(chain, patch.listener, subject);
  if (isMerge(patch))
    return eachChain(listener, (chain) =>
      isChain(chain) ? mergedWith(patch, "FilterChain", chain) : chain,
    );
  if (patch.operation === "ADD")
    return withList(listener, "filterChains", (chains) => [...chains, valueOf(patch)]);
  const left = withList(listener, "filterChains", (chains) =>
    chains.filter((one) => !isChain(one)),
  );
  const { defaultFilterChain: last, ...others } = left;
  return last !== undefined && isChain(objectOf(last)) ? others : left;
}

const HCM =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

function patchedChain(chain: JsonObject, patch: EnvoyPatch, subject: Subject): JsonObject {
  const { filter, subFilter } = patch.listener?.filterChain ?? {};
  if (patch.subject === "NETWORK_FILTER")
    return withList(chain, "filters", (filters) =>
      patchedList(filters, patch, {
        type: "Filter",
        target: byName(filter),
        home: beforeTerminal,
      }),
    );
  return withList(chain, "filters", (filters) =>
    filters.map((one) => {
      const config = objectOf(one["typedConfig"]);
      if (config["@type"] !== HCM) return withExtension(one, patch);
      const next =
        patch.subject === "HTTP_FILTER"
          ? withList(config, "httpFilters", (list) =>
              patchedList(list, patch, {
                type: "HttpFilter",
                target: byName(subFilter),
                home: homeOf(patch.filterClass),
              }),
            )
          : patchedManager(config, patch, subject);
      return next === config ? one : { ...one, typedConfig: next };
    }),
  );
}

/** What else there is to patch in an HttpConnectionManager. */
function patchedManager(config: JsonObject, patch: EnvoyPatch, subject: Subject): JsonObject {
  if (patch.subject === "EXTENSION_CONFIG")
    return withList(config, "httpFilters", (list) => list.map((one) => withExtension(one, patch)));
  const { routeConfig } = config;
  if (routeConfig === undefined) return config;
  const next = patchedInlineRoutes(objectOf(routeConfig), patch, subject);
  return next === routeConfig ? config : { ...config, routeConfig: next };
}

/** A filter that would ask for its configuration by name is given it at once. */
function withExtension(filter: JsonObject, patch: EnvoyPatch): JsonObject {
  const { configDiscovery, ...others } = filter;
  const value = valueOf(patch);
  if (patch.subject !== "EXTENSION_CONFIG" || configDiscovery === undefined) return filter;
  if (filter["name"] !== value["name"]) return filter;
  return { ...others, typedConfig: objectOf(value["typedConfig"]) };
}
