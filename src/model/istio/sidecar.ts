import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type {
  SidecarSpec,
  SidecarSpecEgress,
  SidecarSpecIngress,
  SidecarSpecOutboundTrafficPolicy,
} from "../../api/gen/sidecar.ts";
import { type KubeObject, objectName } from "../../api/object.ts";
import { defined, filled } from "../../util/defined.ts";
import { isHost } from "../host.ts";
import type {
  EgressListener,
  HostImport,
  IngressListener,
  Sidecar,
  UnknownTraffic,
} from "../ir/sidecar.ts";
import { type Origin, originOf } from "../origin.ts";
import { portProtocol } from "../port-protocol.ts";
import { lowerConnectionPool } from "./connection-pool.ts";
import { lowerServerTls } from "./server-tls.ts";
import { lowerDuration, lowerHost, lowerPort, type Site } from "./site.ts";

export interface SidecarModel extends Origin {
  readonly sidecar: Sidecar;
  /** Empty: every workload of the namespace, or of the mesh if it is the root namespace. */
  readonly selector: Readonly<Record<string, string>>;
}

/** https://istio.io/latest/docs/reference/config/networking/sidecar/ */
export function lowerSidecar(
  object: KubeObject<SidecarSpec>,
  clusterDomain: string,
): Lowered<SidecarModel> {
  const report = new Report(objectName(object));
  const origin = originOf(object);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const { egress, ingress, outboundTrafficPolicy, inboundConnectionPool, workloadSelector } =
    object.spec ?? {};
  const sidecar: Sidecar = {
    source: objectName(object),
    ...defined({
      egress: egress?.length ? lowerEgress(egress, site) : undefined,
      ingress: ingress?.length
        ? distinctPorts(ingress.flatMap((one, i) => lowerIngress(one, `spec.ingress[${i}]`, site)))
        : undefined,
      unknown: outboundTrafficPolicy && lowerUnknown(outboundTrafficPolicy, site),
      inbound:
        inboundConnectionPool && pool(inboundConnectionPool, "spec.inboundConnectionPool", site),
    }),
  };
  const value = { ...origin, sidecar, selector: workloadSelector?.labels ?? {} };
  return { value, diagnostics: report.diagnostics };
}

const PIPE = "unix://";

/** Of two listeners for one port, for all ports, or at a Unix domain socket, the first counts. */
function lowerEgress(specs: readonly SidecarSpecEgress[], site: Site): readonly EgressListener[] {
  const taken = new Set<number | undefined>();
  return specs.flatMap((spec, i) => {
    const path = `spec.egress[${i}]`;
    const listener = lowerEgressListener(spec, path, site);
    if (listener === undefined) return [];
    if (!taken.has(listener.port)) {
      taken.add(listener.port);
      return [listener];
    }
    site.report.add(
      "MESH0150",
      path,
      `an earlier listener has ${placeOf(listener)}, so this one is not opened: merge the two`,
    );
    return [];
  });
}

function placeOf({ port }: EgressListener): string {
  if (port === undefined) return "every port that no other has";
  return port === 0 ? "the one Unix domain socket that there may be" : `port ${port}`;
}

function lowerEgressListener(
  { hosts, port, bind, captureMode }: SidecarSpecEgress,
  path: string,
  site: Site,
): EgressListener | undefined {
  const lowered = hosts.flatMap((text, i) => lowerImport(text, `${path}.hosts[${i}]`, site));
  const socket = bind?.startsWith(PIPE) ? bind.slice(PIPE.length) : undefined;
  const number = socket === undefined ? lowerPort(port?.number, `${path}.port.number`, site) : 0;
  if (port !== undefined && number === undefined) return undefined;
  return {
    ...importsOf(lowered),
    captured: captureMode !== "NONE" && socket === undefined,
    ...defined({ port: number, bind: socket ?? filled(bind) }),
    ...spoken(port?.protocol),
  };
}

const importsOf = (all: readonly HostImport[]): Pick<EgressListener, "imports" | "excluded"> => ({
  imports: all.filter(({ namespace }) => namespace !== NOWHERE),
  excluded: all.flatMap(({ namespace, host }) =>
    namespace === NOWHERE && host !== "*" ? [host] : [],
  ),
});

function spoken(protocol: string | undefined): Pick<EgressListener, "protocol" | "isHttpProxy"> {
  if (!protocol) return {};
  return {
    protocol: namedProtocol(protocol),
    ...(protocol.toUpperCase() === "HTTP_PROXY" && { isHttpProxy: true }),
  };
}

const namedProtocol = (name: string) => portProtocol({ port: 0, appProtocol: name });

const NAMESPACE = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?|[.*~])$/;

/** Before a host: of no namespace, that is, not this host. */
const NOWHERE = "~";

function lowerImport(text: string, path: string, { report }: Site): readonly HostImport[] {
  const slash = text.indexOf("/");
  const namespace = text.slice(0, Math.max(slash, 0));
  const host = text.slice(slash + 1).toLowerCase();
  if (NAMESPACE.test(namespace) && isHost(host)) return [{ namespace, host }];
  report.add(
    "MESH0101",
    path,
    `"${text}" imports nothing: write namespace/host, where namespace may be "." (this one) or "*" (any) and host a full DNS name, "*.name" or "*"`,
  );
  return [];
}

function distinctPorts(listeners: readonly IngressListener[]): readonly IngressListener[] {
  return [...new Map(listeners.toReversed().map((one) => [one.port, one])).values()].sort(
    (a, b) => a.port - b.port,
  );
}

function lowerIngress(
  spec: SidecarSpecIngress,
  path: string,
  site: Site,
): readonly IngressListener[] {
  const port = lowerPort(spec.port.number, `${path}.port.number`, site);
  if (port === undefined) return [];
  const { bind, captureMode, defaultEndpoint, tls, connectionPool } = spec;
  const server = tls && lowerServerTls(tls, `${path}.tls`, site);
  return [
    {
      port,
      protocol: namedProtocol(spec.port.protocol ?? ""),
      captured: captureMode !== "NONE",
      ...defined({
        bind: filled(bind),
        endpoint: lowerEndpoint(defaultEndpoint, `${path}.defaultEndpoint`, site),
        tls: server?.mode === "terminate" ? server : undefined,
      }),
      ...(connectionPool && pool(connectionPool, `${path}.connectionPool`, site)),
    },
  ];
}

type PoolSpec = NonNullable<SidecarSpec["inboundConnectionPool"]>;

const pool = (spec: PoolSpec, path: string, site: Site) => ({
  connections: lowerConnectionPool(spec, path, site),
  ...defined({
    connectTimeoutMs: lowerDuration(spec.tcp?.connectTimeout, `${path}.tcp.connectTimeout`, site),
  }),
});

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]"]);
const WORKLOAD: ReadonlySet<string> = new Set(["0.0.0.0", "[::]"]);

function lowerEndpoint(
  text: string | undefined,
  path: string,
  site: Site,
): IngressListener["endpoint"] {
  if (text === undefined || text === "") return undefined;
  if (text.startsWith(PIPE)) return { kind: "pipe", path: text.slice(PIPE.length) };
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon);
  const port = lowerPort(Number(text.slice(colon + 1)), path, site);
  if (port !== undefined && LOOPBACK.has(address))
    return { kind: "address", address: address.replace(/[[\]]/g, ""), port };
  if (port !== undefined && WORKLOAD.has(address)) return { kind: "workload", port };
  site.report.add(
    "MESH0150",
    path,
    `"${text}" is no place where the application can be, so connections go to the address and port they were made to: write 127.0.0.1:port, 0.0.0.0:port (the workload's own address) or unix:///path`,
  );
  return undefined;
}

function lowerUnknown(
  { mode, egressProxy }: SidecarSpecOutboundTrafficPolicy,
  site: Site,
): UnknownTraffic {
  if (egressProxy !== undefined) {
    const path = "spec.outboundTrafficPolicy.egressProxy";
    const host = lowerHost(egressProxy.host, `${path}.host`, site);
    const port = lowerPort(egressProxy.port?.number, `${path}.port.number`, site);
    if (host !== undefined && port !== undefined)
      return { kind: "proxy", host, port, ...defined({ subset: filled(egressProxy.subset) }) };
  }
  if (mode !== undefined && mode !== "ALLOW_ANY" && mode !== "REGISTRY_ONLY")
    site.report.add(
      "MESH0117",
      "spec.outboundTrafficPolicy.mode",
      `"${String(mode)}" is no mode that is known here, so unknown hosts are not reached: use one of REGISTRY_ONLY, ALLOW_ANY`,
    );
  // Unset is REGISTRY_ONLY, the first value of the API's enumeration.
  return { kind: mode === "ALLOW_ANY" ? "allow" : "block" };
}
