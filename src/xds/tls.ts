/** Mutual TLS between the mesh's workloads: one certificate and one set of roots per proxy, by SDS. */
import { ROOT_SECRET, WORKLOAD_SECRET } from "../api/names.ts";
import { isCurve, isSuite } from "../model/ir/handshake.ts";
import type { MeshSettings } from "../model/ir/mesh.ts";
import type { TlsBounds } from "../model/ir/mesh-traffic.ts";
import type { TransportSocket } from "../proto/gen/envoy/config/core/v3/base.ts";
import type {
  SubjectAltNameMatcher,
  TlsParameters,
} from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/common.ts";
import type { SdsSecretConfig } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { CommonTlsContext } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import type { StringMatcher } from "../proto/gen/envoy/type/matcher/v3/string.ts";
import { typed } from "../proto/types.ts";
import { isIpv6 } from "./address.ts";
import { ADS } from "./config-source.ts";

/** What a client of the mesh offers by ALPN; the server's filter chains tell by it what comes. */
export const ALPN = {
  /** A connection of any protocol. */
  stream: "istio",
  /** A connection that speaks HTTP, of the version that its first bytes tell. */
  http: "istio-http/1.1",
} as const;

/** The values by which servers know HTTP, and those by which they know any other protocol. */
export const HTTP_ALPNS = ["istio-http/1.0", ALPN.http, "istio-h2"];
export const STREAM_ALPNS = [ALPN.stream, "istio-peer-exchange"];

export const PLAINTEXT: TransportSocket = {
  name: "envoy.transport_sockets.raw_buffer",
  typedConfig: typed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"),
};

export const secret = (name: string): SdsSecretConfig => ({ name, sdsConfig: ADS });

export const knownSuites = (names: readonly string[]): readonly string[] => names.filter(isSuite);

/** Each once: Envoy refuses one that is named twice. */
export function curves({ curves: names = [] }: Partial<TlsBounds> = {}): TlsParameters {
  const known = new Set(names.filter(isCurve));
  return known.size === 0 ? {} : { ecdhCurves: [...known] };
}

/** What handshakes may agree on, where the mesh does not say it. */
export function tlsParameters(bounds: TlsBounds | undefined): TlsParameters {
  const suites = knownSuites(bounds?.cipherSuites ?? []);
  return {
    tlsMinimumProtocolVersion: bounds?.minVersion === "1.3" ? "TLSv1_3" : "TLSv1_2",
    tlsMaximumProtocolVersion: "TLSv1_3",
    ...(suites.length > 0 && { cipherSuites: [...suites] }),
    ...curves(bounds),
  };
}

/** A certificate for this workload, and peers that show one of the mesh's with one of `peers`. */
function meshContext(
  { traffic }: MeshSettings,
  peers: readonly StringMatcher[],
  alpnProtocols: readonly string[],
): CommonTlsContext {
  return {
    tlsParams: tlsParameters(traffic?.meshTls),
    tlsCertificateSdsSecretConfigs: [secret(WORKLOAD_SECRET)],
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames: peers.map(uri) },
      validationContextSdsSecretConfig: secret(ROOT_SECRET),
    },
    alpnProtocols: [...alpnProtocols],
  };
}

/** Names that a peer's certificate may have, of whatever type they are. */
export const anyName = (name: string): SubjectAltNameMatcher => ({
  sanType: nameType(name),
  matcher: { exact: name },
});

function nameType(name: string): NonNullable<SubjectAltNameMatcher["sanType"]> {
  if (name.includes("://")) return "URI";
  return isIpv6(name) || /^\d+(\.\d+){3}$/.test(name) ? "IP_ADDRESS" : "DNS";
}

const uri = (matcher: StringMatcher): SubjectAltNameMatcher => ({ sanType: "URI", matcher });

export interface UpstreamTls {
  readonly settings: MeshSettings;
  /** Identities that the server may have. */
  readonly peers: readonly StringMatcher[];
  readonly serverName: string;
  readonly alpn: readonly string[];
}

export const TLS = "envoy.transport_sockets.tls";

export const upstreamMutualTls = ({
  settings,
  peers,
  serverName,
  alpn,
}: UpstreamTls): TransportSocket => ({
  name: TLS,
  typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
    commonTlsContext: meshContext(settings, peers, alpn),
    sni: serverName,
  }),
});

/** Any workload of the trust domain is let in; who may do what is for authorization to say. */
export const downstreamMutualTls = (settings: MeshSettings): TransportSocket => ({
  name: TLS,
  typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
    commonTlsContext: meshContext(
      settings,
      [{ prefix: `spiffe://${settings.trustDomain}/` }],
      ["h2", "http/1.1"],
    ),
    requireClientCertificate: true,
  }),
});
