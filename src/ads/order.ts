import type { ResourceType } from "../xds/resource.ts";

/** Make before break: what is named comes before what names it; clusters that are gone, last. */
export const ORDER = [
  "Secret",
  "Cluster",
  "ClusterLoadAssignment",
  "Listener",
  "RouteConfiguration",
  "VirtualHost",
] as const satisfies readonly ResourceType[];
export const MOMENT = ORDER.filter((type) => type !== "Secret");
export const GATED = ["Listener", "RouteConfiguration", "VirtualHost"] as const;
/** Types of which a client that connects is sent thousands. */
export const MANY: ReadonlySet<ResourceType> = new Set([
  "Cluster",
  "ClusterLoadAssignment",
  "VirtualHost",
]);

/** Whether it waits for the clusters that it names. */
export const isGated = (type: ResourceType): boolean => GATED.some((gated) => gated === type);
