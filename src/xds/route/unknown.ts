import type { UnknownTraffic } from "../../model/ir/sidecar.ts";
import { BLACK_HOLE_CLUSTER, outboundClusterName, PASSTHROUGH_CLUSTER } from "../names.ts";

/** Where traffic goes whose destination the proxy does not know. */
export function unknownCluster(traffic: UnknownTraffic): string {
  switch (traffic.kind) {
    case "allow":
      return PASSTHROUGH_CLUSTER;
    case "block":
      return BLACK_HOLE_CLUSTER;
    case "proxy":
      return outboundClusterName(traffic);
  }
}
