import { decodeResource } from "../proto/delta.ts";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
// Registers the codecs of all that may stand in an `Any`.
import "../proto/types.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";
import type { Connection } from "./connection.ts";
import { type ProxySync, type SyncState, stateOf, type TypeSync } from "./sync-state.ts";

/** How many proxies are in each state. */
export function countStates(
  connections: Iterable<Connection>,
): Readonly<Record<SyncState, number>> {
  const counts = { synced: 0, stale: 0, rejected: 0 };
  for (const { types } of proxySyncs(connections)) counts[stateOf({ types })] += 1;
  return counts;
}

/** All connected proxies, sorted by name. */
export function proxySyncs(connections: Iterable<Connection>): readonly ProxySync[] {
  return [...connections]
    .map((connection) => ({
      proxy: connection.caller.key,
      kind: connection.caller.view.kind,
      identity: connection.caller.identity,
      connectedAt: connection.connectedAt.toISOString(),
      types: typeSyncs(connection),
    }))
    .sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
}

function typeSyncs(connection: Connection): ProxySync["types"] {
  const refusals = [...connection.refusals()];
  return Object.fromEntries(
    [...connection.types].map(([type, status]): [ResourceType, TypeSync] => {
      const { inFlight, outstanding = 0 } = connection.session.subscriptions.get(type) ?? {};
      const refused = refusals
        .filter((one) => one.type === type)
        .map(({ name, message }) => ({ name, message }));
      // What a rejection leaves undone is outstanding, for as long as it is to be done.
      const isSynced = !inFlight?.size && outstanding === 0;
      return [type, { ...status, synced: isSynced, outstanding, refused }];
    }),
  );
}

/** Secrets are left out on purpose: nobody has to see them. */
const DECODERS = {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  VirtualHost,
} as const;

type Shown = keyof typeof DECODERS;

/** What a proxy should have, in Envoy's own words, by type and name. */
export function proxyConfig(
  connection: Connection,
): Readonly<Record<Shown, Readonly<Record<string, object>>>> {
  const show = (type: Shown): Readonly<Record<string, object>> =>
    Object.fromEntries(
      connection
        .resources(type)
        .map((one) => [one.name, { version: one.version, ...body(type, one) }]),
    );
  return {
    Cluster: show("Cluster"),
    ClusterLoadAssignment: show("ClusterLoadAssignment"),
    Listener: show("Listener"),
    RouteConfiguration: show("RouteConfiguration"),
    VirtualHost: show("VirtualHost"),
  };
}

function body(type: Shown, { bytes }: EncodedResource): object {
  return DECODERS[type].decode(decodeResource(bytes).body);
}
