import type { Container, HTTPGetAction, Probe } from "../../api/gen/kubernetes.ts";
import { PORTS } from "../../api/names.ts";
import type { AppProbe } from "../../xds/bootstrap-local.ts";

const PROBES = {
  livenessProbe: "livez",
  readinessProbe: "readyz",
  startupProbe: "startupz",
} as const;
/** Probes of these were written for a proxy already. */
const PROXY_PORTS: readonly number[] = [PORTS.probes, PORTS.readiness];

type ProbeField = keyof typeof PROBES;

/** The probes of a container that were replaced, as they were. */
export type Originals = Readonly<Partial<Record<ProbeField, Probe>>>;

export interface Rewritten {
  readonly container: Container;
  readonly originals: Originals;
  readonly probes: readonly AppProbe[];
}

/**
 * Turns a container's network probes to the proxy's probe port, where they need no certificate.
 * What kubelet runs inside the container, or sends elsewhere than to the pod, stays.
 */
export function rewriteProbes(container: Container): Rewritten {
  const originals: Partial<Record<ProbeField, Probe>> = {};
  const replaced: Partial<Record<ProbeField, Probe>> = {};
  const probes: AppProbe[] = [];
  for (const field of fields) {
    const probe = container[field];
    const target = probe && appProbe(probe, container, PROBES[field]);
    if (probe === undefined || target === undefined) continue;
    originals[field] = probe;
    replaced[field] = toProxy(probe, target.path);
    probes.push(target);
  }
  return { container: { ...container, ...replaced }, originals, probes };
}

const fields = Object.keys(PROBES) as readonly ProbeField[];

function appProbe(probe: Probe, container: Container, kind: string): AppProbe | undefined {
  const { timeoutSeconds = 1, periodSeconds = 10 } = probe;
  const target = targetOf(probe);
  const port = target && portNumber(target.port, container);
  if (target === undefined || port === undefined || PROXY_PORTS.includes(port)) return undefined;
  return {
    path: `/app-health/${container.name}/${kind}`,
    port,
    timeoutMs: timeoutSeconds * 1000,
    periodMs: periodSeconds * 1000,
    check: target.check,
  };
}

interface Target {
  readonly port: number | string;
  readonly check: AppProbe["check"];
}

function targetOf({ httpGet, tcpSocket, grpc }: Probe): Target | undefined {
  if (httpGet?.host || tcpSocket?.host) return undefined;
  if (httpGet) return { port: httpGet.port, check: httpCheck(httpGet) };
  if (tcpSocket) return { port: tcpSocket.port, check: { kind: "tcp" } };
  return grpc && { port: grpc.port, check: { kind: "grpc", service: grpc.service ?? "" } };
}

const httpCheck = ({ scheme, path = "/" }: HTTPGetAction): AppProbe["check"] => ({
  kind: "http",
  tls: scheme === "HTTPS",
  path: path.startsWith("/") ? path : `/${path}`,
});

/** A named port means the container's own; kubelet reports a name that it does not have. */
function portNumber(port: number | string, { ports = [] }: Container): number | undefined {
  if (typeof port === "number") return port;
  return ports.find(({ name }) => name === port)?.containerPort;
}

function toProxy(probe: Probe, path: string): Probe {
  const { httpGet, tcpSocket: _tcp, grpc: _grpc, ...timing } = probe;
  const headers = httpGet?.httpHeaders;
  return {
    ...timing,
    httpGet: {
      path,
      port: PORTS.probes,
      scheme: "HTTP",
      ...(headers && { httpHeaders: headers }),
    },
  };
}
