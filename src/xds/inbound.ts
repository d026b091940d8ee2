/** The ports on which a workload is reached: those of its services, or what its Sidecar opens. */
import type { Mesh } from "../model/ir/mesh.ts";
import type { InboundPort, Workload } from "../model/ir/service.ts";
import type { IngressListener, Sidecar } from "../model/ir/sidecar.ts";
import type { TrafficPolicy } from "../model/ir/traffic.ts";
import { listenerName } from "./names.ts";
import type { ProxyView } from "./view.ts";

export interface OpenPort extends InboundPort {
  /** Absent: at the address and port that were called. */
  readonly endpoint?: IngressListener["endpoint"] | undefined;
  readonly tls?: IngressListener["tls"] | undefined;
  /** Where the proxy itself listens, for connections that no capture brings. */
  readonly bind?: string | undefined;
  readonly policy: TrafficPolicy;
}

export function openPorts(mesh: Mesh, view: ProxyView): readonly OpenPort[] {
  const sidecar = mesh.sidecar(view);
  const workload = mesh.workload(view.workload);
  if (sidecar?.ingress !== undefined)
    return sidecar.ingress.map((listener) => ingressPort(listener, sidecar, workload));
  const policy = policyOf(sidecar?.inbound);
  const endpoint = mesh.settings.traffic?.callsLoopback
    ? (port: number) => ({ endpoint: { kind: "address" as const, address: LOOPBACK, port } })
    : () => ({});
  return (workload?.ports ?? []).map((port) => ({ ...port, ...endpoint(port.port), policy }));
}

function ingressPort(
  listener: IngressListener,
  { inbound, source }: Sidecar,
  workload: Workload | undefined,
): OpenPort {
  const { port, protocol, endpoint, tls, captured, bind } = listener;
  const known = workload?.ports.find((one) => one.port === port);
  return {
    port,
    protocol,
    host: known?.host ?? source,
    servicePort: known?.servicePort ?? port,
    endpoint,
    tls,
    bind: captured ? undefined : (bind ?? workload?.addresses[0]),
    policy: { ...policyOf(inbound), ...policyOf(listener) },
  };
}

const LOOPBACK = "127.0.0.1";

/** Listeners by which the proxy itself waits for clients of the workload: no other can be there. */
export function ingressNames(mesh: Mesh, view: ProxyView): ReadonlySet<string> {
  if (mesh.sidecar(view)?.ingress?.some(({ captured }) => !captured) !== true) return NONE;
  return new Set(
    openPorts(mesh, view).flatMap(({ bind, port }) =>
      bind === undefined ? [] : [listenerName(bind, port)],
    ),
  );
}

const NONE: ReadonlySet<string> = new Set();

const policyOf = ({
  connections,
  connectTimeoutMs,
}: Pick<IngressListener, "connections" | "connectTimeoutMs"> = {}): TrafficPolicy => ({
  ...(connections && { connections }),
  ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
});
