import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type { GatewaySpec, GatewaySpecServers } from "../../api/gen/gateway.ts";
import { type KubeObject, objectKey, objectName } from "../../api/object.ts";
import { defined } from "../../util/defined.ts";
import { isHost } from "../host.ts";
import type { Gateway, GatewayServer, ServerTls } from "../ir/listener.ts";
import { type Origin, originOf } from "../origin.ts";
import { lowerServerTls } from "./server-tls.ts";
import { lowerPort, type Site } from "./site.ts";

export interface GatewayModel extends Origin {
  readonly gateway: Gateway;
}

/** https://istio.io/latest/docs/reference/config/networking/gateway/ */
export function lowerGateway(
  object: KubeObject<GatewaySpec>,
  clusterDomain: string,
): Lowered<GatewayModel> {
  const report = new Report(objectName(object));
  const origin = originOf(object);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const servers = (object.spec?.servers ?? []).flatMap(
    (server, i) => lowerServer(server, `spec.servers[${i}]`, site) ?? [],
  );
  const gateway: Gateway = {
    key: objectKey(object),
    source: objectName(object),
    selector: object.spec?.selector ?? {},
    servers: withoutConflicts(servers, report),
  };
  return { value: { ...origin, gateway }, diagnostics: report.diagnostics };
}

const PROTOCOLS: Readonly<Record<string, GatewayServer["protocol"]>> = {
  HTTP: "HTTP",
  HTTP2: "HTTP",
  GRPC: "HTTP",
  "GRPC-WEB": "HTTP",
  HTTPS: "HTTPS",
  TLS: "TLS",
  TCP: "TCP",
  MONGO: "TCP",
  REDIS: "TCP",
  MYSQL: "TCP",
};

function lowerServer(
  spec: GatewaySpecServers,
  path: string,
  site: Site,
): GatewayServer | undefined {
  const protocol = lowerProtocol(spec, path, site);
  const hosts = spec.hosts.flatMap((h, i) => serverHost(h, `${path}.hosts[${i}]`, site) ?? []);
  const port = lowerPort(spec.port.number, `${path}.port.number`, site);
  if (protocol === undefined || port === undefined || hosts.length === 0) return undefined;
  const server: GatewayServer = {
    port,
    name: spec.name ?? spec.port.name,
    protocol,
    hosts,
    ...defined({ bind: spec.bind, httpsRedirect: spec.tls?.httpsRedirect || undefined }),
  };
  return protocol === "HTTPS" || protocol === "TLS"
    ? withTls(server, lowerServerTls(spec.tls, `${path}.tls`, site))
    : server;
}

function withTls(server: GatewayServer, tls: ServerTls | undefined): GatewayServer | undefined {
  if (tls === undefined) return undefined;
  // What passes through is not looked into.
  return tls.mode === "passthrough" ? { ...server, protocol: "TLS", tls } : { ...server, tls };
}

function lowerProtocol(
  { port: { protocol } }: GatewaySpecServers,
  path: string,
  { report }: Site,
): GatewayServer["protocol"] | undefined {
  const known = PROTOCOLS[protocol.toUpperCase()];
  if (known === undefined)
    report.add(
      "MESH0116",
      `${path}.port.protocol`,
      `a server of protocol ${protocol} cannot be opened: use one of ${Object.keys(PROTOCOLS).join(", ")}`,
    );
  return known;
}

/** `host`, or `namespace/host`, where `.` is the gateway's own namespace and `*` any. */
function serverHost(
  text: string,
  path: string,
  { namespace, report }: Site,
): GatewayServer["hosts"][number] | undefined {
  const slash = text.indexOf("/");
  const host = text.slice(slash + 1).toLowerCase();
  if (!isHost(host)) {
    report.add(
      "MESH0101",
      path,
      `"${text}" is no host of a server: write a DNS name, "*.name" or "*", after "namespace/" if need be`,
    );
    return undefined;
  }
  const from = text.slice(0, Math.max(0, slash));
  if (from === "" || from === "*") return { host };
  return { namespace: from === "." ? namespace : from, host };
}

/** A port is plain HTTP, or plain TCP, or TLS of both kinds: of servers that differ the first stays. */
function withoutConflicts(
  servers: readonly GatewayServer[],
  report: Report,
): readonly GatewayServer[] {
  const byPort = new Map<number, GatewayServer>();
  return servers.filter((server) => {
    const first = byPort.get(server.port) ?? server;
    byPort.set(server.port, first);
    if (first.protocol === server.protocol || (first.tls && server.tls)) return true;
    report.add(
      "MESH0115",
      "spec.servers",
      `server "${server.name}" wants port ${server.port} for ${server.protocol}, which server "${first.name}" has for ${first.protocol}: give it another port`,
    );
    return false;
  });
}
