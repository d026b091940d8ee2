import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type { GatewaySpec, GatewaySpecServers } from "../../api/gen/gateway.ts";
import { type KubeObject, objectKey, objectName } from "../../api/object.ts";
import { defined } from "../../util/defined.ts";
import { isIp } from "../../util/ip.ts";
import { isHost } from "../host.ts";
import type { Gateway, GatewayServer, ServerTls } from "../ir/listener.ts";
import { type Origin, originOf } from "../origin.ts";
import { isLocalEndpoint, isUnix } from "./local-endpoint.ts";
import { type CredentialReference, credentialReferences, lowerServerTls } from "./server-tls.ts";
import { lowerPort, type Site } from "./site.ts";

export interface GatewayModel extends Origin {
  readonly gateway: Gateway;
  readonly credentials: readonly CredentialReference[];
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
    servers: withoutTwins(withoutConflicts(servers, report), report),
  };
  const credentials = credentialReferences(object.spec ?? {});
  return { value: { ...origin, gateway, credentials }, diagnostics: report.diagnostics };
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
  // What is bound elsewhere would be open to others than was meant.
  if (!isBindable(spec.bind, `${path}.bind`, site)) return undefined;
  const server: GatewayServer = {
    port,
    name: spec.port.name,
    protocol,
    hosts,
    ...defined({
      label: spec.name,
      bind: spec.bind || undefined,
      defaultEndpoint: localEndpoint(spec.defaultEndpoint, `${path}.defaultEndpoint`, site),
      httpsRedirect: spec.tls?.httpsRedirect || undefined,
    }),
  };
  return protocol === "HTTPS" || protocol === "TLS"
    ? withTls(server, lowerServerTls(spec.tls, `${path}.tls`, site))
    : server;
}

function isBindable(bind = "", path: string, { report }: Site): boolean {
  if (bind === "" || isIp(bind) || isUnix(bind)) return true;
  report.add(
    "MESH0116",
    path,
    `"${bind}" is no address to listen on, so the server is not opened: write an IP address or unix:///path`,
  );
  return false;
}

function localEndpoint(
  text: string | undefined,
  path: string,
  { report }: Site,
): string | undefined {
  if (text === undefined || text === "" || isLocalEndpoint(text)) return text || undefined;
  report.add(
    "MESH0117",
    path,
    `"${text}" is no endpoint in the gateway's own pod: write 127.0.0.1:PORT, [::1]:PORT or unix:///path`,
  );
  return undefined;
}

function withTls(server: GatewayServer, tls: ServerTls | undefined): GatewayServer | undefined {
  if (tls === undefined) return undefined;
  // What passes through is not looked into.
  return tls.mode === "terminate" ? { ...server, tls } : { ...server, protocol: "TLS", tls };
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

/** Hosts of a server go by the port's name: under one name those of one would be let in by the other's TLS. */
function withoutTwins(servers: readonly GatewayServer[], report: Report): readonly GatewayServer[] {
  const names = new Set<string>();
  return servers.filter(({ name, port, protocol }) => {
    if (protocol !== "HTTPS") return true;
    const isFirst = !names.has(`${port} ${name}`);
    names.add(`${port} ${name}`);
    if (!isFirst)
      report.add(
        "MESH0116",
        "spec.servers",
        `two servers of port ${port} are called "${name}", and the second is not opened: give each port.name once`,
      );
    return isFirst;
  });
}

/** A port is plain HTTP, or plain TCP, or TLS of both kinds: of servers that differ the first stays. */
function withoutConflicts(
  servers: readonly GatewayServer[],
  report: Report,
): readonly GatewayServer[] {
  const bySocket = new Map<string, GatewayServer>();
  return servers.filter((server) => {
    const socket = `${server.bind} ${server.port}`;
    const first = bySocket.get(socket) ?? server;
    bySocket.set(socket, first);
    if (first.protocol === server.protocol || (first.tls && server.tls)) return true;
    report.add(
      "MESH0115",
      "spec.servers",
      `server "${server.name}" wants port ${server.port} for ${server.protocol}, which server "${first.name}" has for ${first.protocol}: give it another port`,
    );
    return false;
  });
}
