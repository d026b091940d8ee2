import { decodeResource } from "../proto/delta.ts";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
// Registers the codecs of all that may stand in an `Any`.
import "../proto/types.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";
import type { Connection, TypeStatus } from "./connection.ts";

/** How one proxy stands, as `/debug/syncz` shows it. */
export interface ProxySync {
  /** `namespace/name` of the pod. */
  readonly proxy: string;
  readonly kind: string;
  readonly identity: string;
  readonly connectedAt: string;
  readonly types: Readonly<
    Partial<Record<ResourceType, TypeStatus & { readonly synced: boolean }>>
  >;
}

/** All connected proxies, sorted by name. */
export function proxySyncs(connections: Iterable<Connection>): readonly ProxySync[] {
  return [...connections]
    .map(({ caller, connectedAt, types, session }) => ({
      proxy: caller.key,
      kind: caller.view.kind,
      identity: caller.identity,
      connectedAt: connectedAt.toISOString(),
      types: Object.fromEntries(
        [...types].map(([type, status]) => {
          const inFlight = session.subscriptions.get(type)?.inFlight.size ?? 0;
          return [type, { ...status, synced: inFlight === 0 && status.rejected === undefined }];
        }),
      ),
    }))
    .sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
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
