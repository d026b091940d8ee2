/** How this machine reaches the mesh's ingress gateway. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CONTROL_PLANE_NAMESPACE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import type { Origin } from "./http.ts";
import { waitFor } from "./wait.ts";

/** How long to hope for a direct way: of our own cluster there is one, however busy the machine. */
const DIRECT_MS = { local: 90_000, current: 10_000 } as const;

export const INGRESS = "istio-ingressgateway";

type Service = KubeObject<
  { readonly ports: readonly { readonly port: number; readonly nodePort?: number }[] },
  {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  }
>;

type Node = KubeObject<
  unknown,
  { readonly addresses?: readonly { readonly type: string; readonly address: string }[] }
>;

export interface Ingress extends Origin {
  /** Whether it is reached by a `kubectl port-forward` of ours, which `close` ends. */
  readonly forwarded: boolean;
  close(): void;
}

/**
 * The gateway's port, by the first way that leads there from here: the load balancer's address, a
 * node's port, and at last `kubectl port-forward`, where the cluster's network is out of reach.
 */
export async function reachIngress(
  cluster: Cluster,
  port = 80,
  name: string = INGRESS,
): Promise<Ingress> {
  const path = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/services/${name}`;
  const service = await waitFor(
    {
      description: `Service ${name} with port ${port}`,
      deadlineMs: 30_000,
      diagnose: () => diagnose(cluster),
    },
    async () => {
      const found = await cluster.api.get<Service>(path);
      return found?.spec?.ports.some((one) => one.port === port) ? found : undefined;
    },
  );
  const nodes = await cluster.api.list<Node>("/api/v1/nodes");
  const direct = await firstThatAccepts(waysTo(service, nodes, port), DIRECT_MS[cluster.kind]);
  if (direct) return { ...direct, forwarded: false, close: () => undefined };
  const target = { namespace: CONTROL_PLANE_NAMESPACE, workload: `svc/${name}` };
  return { ...(await cluster.kubectl.forward(target, port)), forwarded: true };
}

function waysTo(service: Service, nodes: readonly Node[], port: number): Origin[] {
  const balanced = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => {
    const host = ip ?? hostname;
    return host ? [{ host, port }] : [];
  });
  const nodePort = service.spec?.ports.find((one) => one.port === port)?.nodePort;
  const addresses = nodes.flatMap((node) => node.status?.addresses ?? []);
  const direct = nodePort
    ? addresses
        .filter(({ type }) => type === "ExternalIP" || type === "InternalIP")
        .map(({ address }) => ({ host: address, port: nodePort }))
    : [];
  return [...balanced, ...direct];
}

/** The gateway listens only once it was told of a port, so all ways are tried for a while. */
async function firstThatAccepts(
  ways: readonly Origin[],
  patienceMs: number,
): Promise<Origin | undefined> {
  const deadline = performance.now() + patienceMs;
  while (ways.length > 0 && performance.now() < deadline) {
    for (const way of ways) if (await accepts(way)) return way;
    await delay(100);
  }
  return undefined;
}

/** Whether anybody answers there within a second. */
function accepts({ host, port }: Origin): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}
