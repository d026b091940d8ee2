/** The sample applications in a namespace of their own. */
import type { Cluster } from "./cluster.ts";
import { waitFor } from "./wait.ts";
import { rolledOut } from "./workloads.ts";

const SAMPLES = "manifests/samples";

export const BOOKINFO = `${SAMPLES}/bookinfo/bookinfo.yaml`;
export const HTTPBIN = `${SAMPLES}/httpbin/httpbin.yaml`;
export const CLIENT = `${SAMPLES}/client/client.yaml`;
export const TCP_ECHO = `${SAMPLES}/tcp-echo/tcp-echo.yaml`;

/** A page of bookinfo's routing exercise. */
export const networking = (name: string): string => `${SAMPLES}/bookinfo/networking/${name}.yaml`;

/** What the other exercises apply to their samples. */
export const tcpEcho = (name: string): string => `${SAMPLES}/tcp-echo/networking/${name}.yaml`;
export const httpbin = (name: string): string => `${SAMPLES}/httpbin/networking/${name}.yaml`;

export interface NamespaceOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export const INJECTED = { "istio-injection": "enabled" } as const;

export async function createNamespace(
  { kubectl }: Cluster,
  { name, labels = INJECTED }: NamespaceOptions,
): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  await kubectl.applyText(JSON.stringify(namespace));
}

/**
 * Does not wait for its end, which comes soon: pods get a second, where a sidecar would let
 * connections drain for as long as its pod may take to end.
 */
export async function deleteNamespace({ api }: Cluster, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  // In this order nothing makes pods anew.
  for (const target of [path, `${path}/pods?gracePeriodSeconds=1`]) {
    const { status, body } = await api.send("DELETE", target);
    if (status >= 300 && status !== 404)
      throw new Error(`DELETE ${target}: ${status} ${JSON.stringify(body)}`);
  }
}

export async function namespaceGone(cluster: Cluster, name: string): Promise<void> {
  await waitFor(
    { description: `end of namespace ${name}`, deadlineMs: 90_000, intervalMs: 250 },
    async () => (await cluster.api.get(`/api/v1/namespaces/${name}`)) === undefined,
  );
}

/** Applies manifests of the samples and waits until their Deployments run. */
export async function deploy(
  cluster: Cluster,
  namespace: string,
  manifests: readonly string[],
): Promise<void> {
  for (const manifest of manifests) await cluster.kubectl.apply(manifest, namespace);
  await rolledOut(cluster, namespace);
}
