/** A client behind a stock Envoy, and servers outside the mesh that play the endpoints of one service. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { createMeshModel } from "../../src/model/dataflow.ts";
import { configurationOf } from "../../src/testing/configuration.ts";
import { applyAll, objects, SETTINGS } from "../../src/testing/fixtures.ts";
import type { ProxyView } from "../../src/xds/view.ts";
import { meshSecrets } from "../golden/secrets.ts";
import { staticBootstrap } from "../golden/static.ts";
import { envoyBinary } from "../harness/tools.ts";
import { type PodNetwork, podNetwork } from "./pod-network.ts";
import { ADMIN, CAPTURE, startEnvoy } from "./translation-world.ts";

export const VIP = "10.96.0.10";

export interface Endpoint {
  readonly name: string;
  readonly port: number;
  /** Where it is, by the name of its node. */
  readonly node?: string;
}

/** An endpoint that says its name, until it is closed. */
export interface Backend extends Endpoint {
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function clientNetwork(t: TestContext): Promise<PodNetwork> {
  const network = await podNetwork(t);
  await network.run("ip", "route", "add", "default", "via", network.outside);
  return network;
}

export async function backend(
  t: TestContext,
  network: PodNetwork,
  { name, node }: { readonly name: string; readonly node?: string },
): Promise<Backend> {
  let server = await listening(network, name, 0);
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  t.after(close);
  const open = async (): Promise<void> => {
    server = await listening(network, name, port);
  };
  return { name, port, ...(node !== undefined && { node }), close, open };
}

async function listening({ outside }: PodNetwork, name: string, port: number): Promise<Server> {
  const server = createServer((_, response) => response.end(`${name}\n`));
  server.listen(port, outside);
  await once(server, "listening");
  return server;
}

/** Regions west and east; the node of a zone is called like it. */
const NODES = ["west-a", "west-b", "east-a"]
  .map((name) => {
    const [region, zone] = name.split("-");
    return `
apiVersion: v1
kind: Node
metadata: { name: ${name}, labels: { topology.kubernetes.io/region: ${region}, topology.kubernetes.io/zone: ${zone} } }
`;
  })
  .join("---");

/** A service `web` with one port of that name, and its policy. */
export function meshOf(
  { outside }: PodNetwork,
  portName: string,
  endpoints: readonly Endpoint[],
  trafficPolicy: object,
): string {
  const slices = endpoints.map(
    ({ name, port, node }) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: ${portName}, port: ${port} }]
endpoints: [{ addresses: ["${outside}"]${node === undefined ? "" : `, nodeName: ${node}`} }]
`,
  );
  const service = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: ${VIP}, ports: [{ name: ${portName}, port: 80 }] }
`;
  const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web }
spec: { host: web, trafficPolicy: ${JSON.stringify(trafficPolicy)} }
`;
  return [NODES, service, rule, ...slices].join("---");
}

export interface Client {
  /** Lines that `curl` prints, for one URL or what its ranges stand for. */
  curl(...args: readonly string[]): Promise<readonly string[]>;
  stat(name: string): Promise<number>;
}

const VIEW: ProxyView = {
  kind: "sidecar",
  namespace: "default",
  workload: "default/client",
  serviceAccount: "client",
  labels: { app: "client" },
  locality: "west/a",
  node: "west-a",
};

/** Runs the proxy of a client in region west, zone a. */
export async function client(t: TestContext, network: PodNetwork, mesh: string): Promise<Client> {
  const model = createMeshModel(SETTINGS);
  applyAll(model, objects(mesh));
  const configuration = configurationOf(model.mesh(model.engine), VIEW);
  const own = await (await meshSecrets()).of("spiffe://cluster.local/ns/default/sa/client");
  // Files that the rules name are there, unlike those of goldens.
  const files = Object.values(configuration.Secret ?? {}) as Record<string, unknown>[];
  await network.run(CAPTURE);
  await startEnvoy(t, network, {
    envoy: await envoyBinary(),
    bootstrap: {
      ...staticBootstrap(configuration, [...files, ...own]),
      admin: { address: { socketAddress: { address: "127.0.0.1", portValue: 15000 } } },
    },
  });
  const lines = (said: string): readonly string[] => said.split("\n").filter((line) => line !== "");
  return {
    curl: async (...args) => lines(await network.run("curl", "-s", "-m", "60", ...args)),
    stat: async (name) => {
      const said = await network.run("curl", "-s", `${ADMIN}/stats?filter=${name}`);
      return Number(/: (\d+)/.exec(said)?.[1] ?? Number.NaN);
    },
  };
}

/** How often each is there. */
export const tally = (names: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]),
  );
