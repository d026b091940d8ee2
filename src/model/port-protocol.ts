import { ownValue } from "../util/own-value.ts";
import type { Protocol } from "./ir/service.ts";

/** What ports are called, by https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  http: "http",
  http_proxy: "http",
  "grpc-web": "http",
  http2: "http2",
  grpc: "grpc",
  https: "https",
  tls: "tls",
  tcp: "tcp",
  mongo: "tcp",
  redis: "tcp",
  mysql: "tcp",
  "kubernetes.io/h2c": "http2",
  "kubernetes.io/ws": "http",
  "kubernetes.io/wss": "https",
};

/** Ports of protocols in which the server speaks first, so that waiting to detect them would hang: Istio's list. */
const SERVER_FIRST: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** A service port as far as its protocol goes. */
export interface PortHint {
  readonly name?: string;
  readonly port: number;
  readonly appProtocol?: string;
}

/** `appProtocol` wins, then the name up to its first dash, then what the number is known for. */
export function portProtocol({ name = "", port, appProtocol }: PortHint): Protocol {
  const named =
    appProtocol === undefined ? nameProtocol(name) : ownValue(PROTOCOLS, appProtocol.toLowerCase());
  return named ?? (SERVER_FIRST.has(port) ? "tcp" : "auto");
}

function nameProtocol(name: string): Protocol | undefined {
  const lower = name.toLowerCase();
  if (lower === "grpc-web" || lower.startsWith("grpc-web-")) return PROTOCOLS["grpc-web"];
  return ownValue(PROTOCOLS, lower.split("-", 1)[0] ?? "");
}

export function isHttp(protocol: Protocol): boolean {
  return protocol === "http" || protocol === "http2" || protocol === "grpc";
}

/** A port of a ServiceEntry: its `protocol` in any case, or its name. `undefined`: none that is known. */
export function entryProtocol({
  protocol = "",
  ...hint
}: PortHint & { readonly protocol?: string }): Protocol | undefined {
  return protocol === "" ? portProtocol(hint) : ownValue(PROTOCOLS, protocol.toLowerCase());
}
