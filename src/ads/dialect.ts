import type { DiscoveryRequest } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { inlined } from "../xds/inline-routes.ts";
import type { Scope } from "../xds/resource.ts";
import type { ProxyView } from "../xds/view.ts";
import type { FrameSource, Frames } from "./frames.ts";

/**
 * How a client wants to be told. It is the client's to say, and its word is enough: it changes the
 * form of what the client gets, not who it is and so not what it may know.
 */
export interface Dialect {
  readonly frames: FrameSource;
  view(view: ProxyView): ProxyView;
  scope(scope: Scope): Scope;
}

const same = <T>(value: T): T => value;

export const deltaDialect = (frames: Frames): Dialect => ({ frames, view: same, scope: same });

/** State of the world knows no virtual hosts; gRPC's own clients know still less. */
export const stateDialect = (frames: FrameSource, first: DiscoveryRequest): Dialect => ({
  frames,
  view: isGrpcLibrary(first) ? (view) => ({ ...view, kind: "grpc" }) : same,
  scope: inlined,
});

/** What the libraries say of themselves, or what Istio's bootstrap for them says. */
function isGrpcLibrary({ node }: DiscoveryRequest): boolean {
  return node?.metadata?.["GENERATOR"] === "grpc" || /^grpc\b/i.test(node?.userAgentName ?? "");
}
