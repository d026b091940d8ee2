/** https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/ */
import { Report } from "../../api/codes.ts";
import type { Diagnostic } from "../../api/diagnostic.ts";
import type {
  MeshConfigSpecMesh,
  MeshConfigSpecMeshDefaultConfig,
  MeshConfigSpecMeshDefaultConfigConnectionSettings,
  MeshConfigSpecMeshDefaultConfigProxyHeaders,
  MeshConfigSpecMeshMeshMTLS,
} from "../../api/gen/mesh-config.ts";
import type { MeshConfig } from "../../api/kinds.ts";
import { defined } from "../../util/defined.ts";
import { isCurve } from "../ir/handshake.ts";
import type { MeshSettings } from "../ir/mesh.ts";
import type {
  ClientCertForwarding,
  EdgeLimits,
  MeshTraffic,
  PathNormalization,
  ProxyHeaders,
  TlsBounds,
} from "../ir/mesh-traffic.ts";
import type { ConnectionPool } from "../ir/traffic.ts";
import { accessLog } from "./access-log.ts";
import { lowerConnectionPool } from "./connection-pool.ts";
import { localityPolicy } from "./locality.ts";
import { lowerOutlierDetection } from "./outlier-detection.ts";
import { lowerRetries } from "./retries.ts";
import { lowerDuration, type Site } from "./site.ts";
import { lowerSuites } from "./suites.ts";

const PATH = "spec.mesh";

/** What the model is made with, as far as the user's mesh-wide settings decide it. */
export interface MeshWide
  extends Pick<
    MeshSettings,
    "accessLogFile" | "outboundTrafficPolicy" | "localityLbSetting" | "traffic"
  > {}

/** @param mesh name of the MeshConfig, for messages */
export function lowerMeshSettings(
  spec: MeshConfigSpecMesh,
  mesh: string,
): { readonly settings: MeshWide; readonly diagnostics: readonly Diagnostic[] } {
  const report = new Report(`MeshConfig ${mesh}`);
  const site = { report, namespace: "", clusterDomain: "" };
  const locality = spec.localityLbSetting;
  const settings: MeshWide = {
    accessLogFile: spec.accessLogFile ?? "",
    outboundTrafficPolicy: spec.outboundTrafficPolicy?.mode ?? "ALLOW_ANY",
    traffic: {
      ...destinations(spec, site),
      ...inbound(spec, site),
      ...handshakes(spec, site),
      ...defined({
        accessLog: accessLog(spec, PATH, site),
        paths: PATHS[spec.pathNormalization?.normalization ?? ""],
        exportTo: exports(spec),
        ...proxies(spec.defaultConfig ?? {}, site),
      }),
    },
    ...defined({
      localityLbSetting: locality && localityPolicy(locality, `${PATH}.localityLbSetting`, site),
    }),
  };
  return { settings, diagnostics: report.diagnostics };
}

/** What is wrong with a MeshConfig, as far as its schema does not say it. */
export const meshFaults = ({ spec, metadata }: MeshConfig): readonly Diagnostic[] =>
  lowerMeshSettings(spec?.mesh ?? {}, metadata.name).diagnostics;

function destinations(spec: MeshConfigSpecMesh, site: Site): MeshTraffic {
  const { outlierDetection } = spec.defaultTrafficPolicy ?? {};
  const retry = spec.defaultHttpRetryPolicy;
  return defined({
    connections: connections(spec, site),
    outlier:
      outlierDetection &&
      lowerOutlierDetection(
        outlierDetection,
        `${PATH}.defaultTrafficPolicy.outlierDetection`,
        site,
      ),
    dnsRefreshMs: lowerDuration(spec.dnsRefreshRate, `${PATH}.dnsRefreshRate`, site),
    outboundStatName: spec.outboundClusterStatName || undefined,
    retry: retry && lowerRetries(retry, `${PATH}.defaultHttpRetryPolicy`, site),
    explicitMtls: spec.enableAutoMtls === false || undefined,
  });
}

/** Settings of one thing each, and under them a whole pool. */
function connections(spec: MeshConfigSpecMesh, site: Site): ConnectionPool | undefined {
  const { connectTimeout, tcpKeepalive, h2UpgradePolicy, defaultTrafficPolicy } = spec;
  const own = defined({
    ...(tcpKeepalive && lowerConnectionPool({ tcp: { tcpKeepalive } }, PATH, site)),
    connectTimeoutMs: lowerDuration(connectTimeout, `${PATH}.connectTimeout`, site),
    upgrade: h2UpgradePolicy === "UPGRADE" ? ("http2" as const) : undefined,
  });
  const { connectionPool } = defaultTrafficPolicy ?? {};
  const pool = connectionPool
    ? lowerConnectionPool(connectionPool, `${PATH}.defaultTrafficPolicy.connectionPool`, site)
    : {};
  const all = { ...own, ...pool };
  return Object.keys(all).length === 0 ? undefined : all;
}

function inbound(spec: MeshConfigSpecMesh, site: Site): MeshTraffic {
  const retry = spec.defaultInboundHttpRetryPolicy;
  return defined({
    detectionTimeoutMs: lowerDuration(
      spec.protocolDetectionTimeout,
      `${PATH}.protocolDetectionTimeout`,
      site,
    ),
    callsLoopback: spec.inboundTrafficPolicy?.mode === "LOCALHOST" || undefined,
    inboundStatName: spec.inboundClusterStatName || undefined,
    inboundRetry: retry && lowerRetries(retry, `${PATH}.defaultInboundHttpRetryPolicy`, site),
  });
}

const handshakes = ({ meshMTLS, tlsDefaults }: MeshConfigSpecMesh, site: Site): MeshTraffic =>
  defined({
    meshTls: meshMTLS && bounds(meshMTLS, `${PATH}.meshMTLS`, site),
    otherTls: tlsDefaults && bounds(tlsDefaults, `${PATH}.tlsDefaults`, site),
  });

function bounds(
  { minProtocolVersion, cipherSuites, ecdhCurves = [] }: MeshConfigSpecMeshMeshMTLS,
  path: string,
  { report }: Site,
): TlsBounds {
  for (const [i, name] of ecdhCurves.entries())
    if (!isCurve(name))
      report.add(
        "MESH0117",
        `${path}.ecdhCurves[${i}]`,
        `"${name}" is no curve that proxies have: name X25519, X25519MLKEM768, P-256, P-384 or P-521`,
      );
  return {
    cipherSuites: lowerSuites(cipherSuites, `${path}.cipherSuites`, report),
    curves: ecdhCurves,
    ...(minProtocolVersion === "TLSV1_2" && { minVersion: "1.2" }),
    ...(minProtocolVersion === "TLSV1_3" && { minVersion: "1.3" }),
  };
}

const PATHS: Readonly<Record<string, PathNormalization>> = {
  NONE: "none",
  DEFAULT: "base",
  BASE: "base",
  MERGE_SLASHES: "merge-slashes",
  DECODE_AND_MERGE_SLASHES: "decode-and-merge-slashes",
};

function exports(spec: MeshConfigSpecMesh): MeshTraffic["exportTo"] {
  const all = defined({
    services: spec.defaultServiceExportTo,
    virtualServices: spec.defaultVirtualServiceExportTo,
    destinationRules: spec.defaultDestinationRuleExportTo,
  });
  return Object.keys(all).length === 0 ? undefined : all;
}

type Forwarding = ClientCertForwarding | "UNDEFINED" | undefined;

const forwarding = (text: Forwarding): ClientCertForwarding | undefined =>
  text === "UNDEFINED" ? undefined : text;

function proxies(spec: MeshConfigSpecMeshDefaultConfig, site: Site) {
  const { gatewayTopology: before, proxyHeaders, connectionSettings } = spec;
  return {
    gateways:
      before &&
      defined({
        trustedProxies: before.numTrustedProxies,
        forwardedClientCert: forwarding(before.forwardClientCertDetails),
        proxyProtocol: before.proxyProtocol === undefined ? undefined : true,
      }),
    headers: proxyHeaders && headers(proxyHeaders),
    edge: connectionSettings && limits(connectionSettings, site),
  };
}

const isOn = (spec: { readonly disabled?: boolean } | undefined): boolean | undefined =>
  spec?.disabled === undefined ? undefined : !spec.disabled;

function headers(spec: MeshConfigSpecMeshDefaultConfigProxyHeaders): ProxyHeaders {
  const { server } = spec;
  return defined({
    forwardedClientCert: forwarding(spec.forwardedClientCert),
    clientCertDetails: spec.setCurrentClientCertDetails,
    requestId: isOn(spec.requestId),
    server: server?.disabled === true ? (false as const) : server?.value || undefined,
    attemptCount: isOn(spec.attemptCount),
    envoyHeaders: isOn(spec.envoyDebugHeaders),
    preserveCase: spec.preserveHttp1HeaderCase,
    forwardedHost: spec.xForwardedHost?.enabled,
    forwardedPort: spec.xForwardedPort?.enabled,
  });
}

/** What Envoy's authors advise for proxies that meet the world. */
const EDGE: EdgeLimits = {
  listenerBufferBytes: 32_768,
  clusterBufferBytes: 32_768,
  idleTimeoutMs: 3_600_000,
  streamIdleTimeoutMs: 300_000,
  requestTimeoutMs: 300_000,
  requestHeadersTimeoutMs: 60_000,
  maxConcurrentStreams: 100,
  streamWindowBytes: 65_536,
  connectionWindowBytes: 1_048_576,
  underscores: "REJECT_REQUEST",
  mergeSlashes: true,
  escapedSlashes: "UNESCAPE_AND_REDIRECT",
};

function limits(spec: MeshConfigSpecMeshDefaultConfigConnectionSettings, site: Site): EdgeLimits {
  const ms = (field: keyof typeof spec): number | undefined => {
    const text = spec[field];
    const path = `${PATH}.defaultConfig.connectionSettings.${field}`;
    return typeof text === "string" ? lowerDuration(text, path, site) : undefined;
  };
  return {
    ...(spec.profile === "EDGE" && EDGE),
    ...defined({
      listenerBufferBytes: spec.listenerPerConnectionBufferLimitBytes,
      clusterBufferBytes: spec.clusterPerConnectionBufferLimitBytes,
      maxConnections: spec.listenerConnectionLimit,
      idleTimeoutMs: ms("httpIdleTimeout"),
      maxConnectionMs: ms("httpMaxConnectionDuration"),
      maxStreamMs: ms("httpMaxStreamDuration"),
      drainTimeoutMs: ms("httpDrainTimeout"),
      requestTimeoutMs: ms("httpRequestTimeout"),
      requestHeadersTimeoutMs: ms("httpRequestHeadersTimeout"),
      streamIdleTimeoutMs: ms("httpStreamIdleTimeout"),
      maxConcurrentStreams: spec.httpMaxConcurrentStreams,
      streamWindowBytes: spec.http2InitialStreamWindowSize,
      connectionWindowBytes: spec.http2InitialConnectionWindowSize,
      underscores: spec.httpHeadersWithUnderscoresAction,
      mergeSlashes: spec.httpMergeSlashes,
      escapedSlashes: spec.httpPathWithEscapedSlashesAction,
    }),
  };
}
