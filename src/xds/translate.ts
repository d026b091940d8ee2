/**
 * The model in Envoy's terms. A table of pure translators: each says which resources a proxy gets,
 * and makes one of them from what it alone is about, so that a change costs what it changes.
 */
import { localClusters, passedClusters, passedEndpoints } from "./cluster/gateway.ts";
import { inboundClusters } from "./cluster/inbound.ts";
import { outboundClusters } from "./cluster/outbound.ts";
import { staticClusters } from "./cluster/static.ts";
import { clusterLoadAssignments, grpcLoadAssignments } from "./endpoint.ts";
import { grpcClusters } from "./grpc/cluster.ts";
import { apiListeners } from "./grpc/listener.ts";
import { grpcRoutes } from "./grpc/route.ts";
import { httpListeners, openListeners } from "./listener/any-address.ts";
import { egressHttpListeners, egressStreamListeners } from "./listener/egress.ts";
import { gatewayListeners } from "./listener/gateway.ts";
import { ingressListeners } from "./listener/inbound.ts";
import { streamListeners } from "./listener/outbound.ts";
import { virtualListeners } from "./listener/virtual.ts";
import { addedClusters, addedHosts, addedListeners } from "./patch/added.ts";
import { patchable } from "./patch/patchable.ts";
import { detectedRoutes, portRoutes } from "./route/configuration.ts";
import { gatewayRoutes, gatewayVirtualHosts } from "./route/gateway.ts";
import { detectedHosts, namedHosts, otherHosts } from "./route/virtual-host.ts";
import { credentialSecrets, fileSecrets } from "./secret.ts";
import type { Translator } from "./translator.ts";

const rows: readonly Translator[] = [
  staticClusters,
  outboundClusters,
  inboundClusters,
  localClusters,
  passedClusters,
  passedEndpoints,
  clusterLoadAssignments,
  virtualListeners,
  httpListeners,
  openListeners,
  streamListeners,
  egressHttpListeners,
  egressStreamListeners,
  ingressListeners,
  portRoutes,
  detectedRoutes,
  namedHosts,
  otherHosts,
  detectedHosts,
  gatewayListeners,
  gatewayRoutes,
  gatewayVirtualHosts,
  fileSecrets,
  credentialSecrets,
];

/** What Envoy's configuration is changed by is nothing to gRPC's own clients. */
const grpcRows: readonly Translator[] = [
  grpcClusters,
  grpcLoadAssignments,
  apiListeners,
  grpcRoutes,
];

/** The rows with what users change of Envoy's configuration itself. */
export const translators: readonly Translator[] = [
  ...rows.map(patchable),
  addedClusters,
  addedListeners,
  addedHosts,
  ...grpcRows,
];
