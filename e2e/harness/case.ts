/** What every end-to-end case begins with: the shared mesh, and a namespace of its own. */
import { after } from "node:test";
import { stringify } from "yaml";
import { type Cluster, connect } from "./cluster.ts";
import { rendered } from "./environment.ts";
import { HttpClient } from "./http.ts";
import { reachIngress } from "./ingress.ts";
import { meshReady } from "./mesh.ts";
import {
  createNamespace,
  deleteNamespace,
  type NamespaceOptions,
  namespaceGone,
  networking,
} from "./samples.ts";
import { waitFor } from "./wait.ts";

/** Which cluster the cases run on; `node e2e/test.ts` says it to the processes it starts. */
export const CLUSTER_NAME = "MESHWRIGHT_TEST_CLUSTER";

/** The cluster with its mesh, which must be Ready, and nothing on its way out from the case before. */
export async function openMesh(): Promise<Cluster> {
  const cluster = await connect(process.env[CLUSTER_NAME] || "meshwright");
  await meshReady(cluster);
  await waitFor(
    { description: "end of the namespaces of other cases", deadlineMs: 120_000 },
    async () => {
      const namespaces = await cluster.api.list("/api/v1/namespaces");
      const going = namespaces.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
      if (going.length > 0)
        throw new Error(`${going.map(({ metadata }) => metadata.name).join(", ")} not gone yet`);
      return true;
    },
  );
  return cluster;
}

/** A test, or the hooks of a suite: whoever runs something at its end. */
interface Cleanup {
  after(run: () => Promise<void> | void): void;
}

/**
 * The end of a suite, for what its hooks make: `after` itself only counts while the suite is
 * described. Call this there.
 */
export function suiteEnd(): Cleanup {
  const runs: (() => Promise<void> | void)[] = [];
  after(async () => {
    for (const run of runs.toReversed()) await run();
  });
  return { after: (run) => void runs.push(run) };
}

/** A new namespace that goes when the test ends. */
export async function ownNamespace(
  test: Cleanup,
  cluster: Cluster,
  options: NamespaceOptions,
): Promise<string> {
  await deleteNamespace(cluster, options.name);
  await namespaceGone(cluster, options.name);
  await createNamespace(cluster, options);
  test.after(() => deleteNamespace(cluster, options.name));
  return options.name;
}

/** The host name under which a namespace is reached through the ingress. */
const hostOf = (namespace: string): string => `${namespace}.test`;

/** Speaks to what a namespace shows at the ingress. */
export async function ingressClient(
  test: Cleanup,
  cluster: Cluster,
  namespace: string,
): Promise<HttpClient> {
  const ingress = await reachIngress(cluster);
  const client = new HttpClient(ingress, { host: hostOf(namespace) });
  test.after(() => {
    client.close();
    ingress.close();
  });
  return client;
}

/** Bookinfo's own gateway manifest, for one host name instead of all: cases share the gateway. */
export async function exposeBookinfo({ kubectl }: Cluster, namespace: string): Promise<void> {
  const yaml = rendered(networking("bookinfo-gateway"));
  await kubectl.applyText(yaml.replaceAll('"*"', hostOf(namespace)), namespace);
}

/** Puts a service behind the ingress, every path of it. */
export async function expose(
  { kubectl }: Cluster,
  namespace: string,
  destination: { readonly host: string; readonly port: number },
): Promise<void> {
  const metadata = { name: "exposed" };
  const apiVersion = "networking.istio.io/v1";
  const hosts = [hostOf(namespace)];
  const { host, port } = destination;
  const objects = [
    {
      apiVersion,
      kind: "Gateway",
      metadata,
      spec: {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts }],
      },
    },
    {
      apiVersion,
      kind: "VirtualService",
      metadata,
      spec: {
        hosts,
        gateways: [metadata.name],
        http: [{ route: [{ destination: { host, port: { number: port } } }] }],
      },
    },
  ];
  await kubectl.applyText(objects.map((object) => stringify(object)).join("---\n"), namespace);
}
