/** The resource types we serve, by the short names used in the code. */
export const TYPE_URLS = {
  Cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  ClusterLoadAssignment: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  Listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  RouteConfiguration: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  VirtualHost: "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  Secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

export type ServedType = keyof typeof TYPE_URLS;
export const SERVED_TYPES = Object.keys(TYPE_URLS) as readonly ServedType[];

const TYPES: ReadonlyMap<string, ServedType> = new Map(
  Object.entries(TYPE_URLS).map(([type, url]) => [url, type as ServedType]),
);

/** `undefined`: a type that we do not serve. */
export const resourceTypeOf = (typeUrl: string): ServedType | undefined => TYPES.get(typeUrl);
