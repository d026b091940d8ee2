/** The control plane's replicas, asked through the API server: no port has to be forwarded. */
import type * as kube from "../api/gen/kubernetes.ts";
import { KINDS, type Live } from "../api/kinds.ts";
import { COMPONENT } from "../api/labels.ts";
import { PORTS } from "../api/names.ts";
import type { Client } from "../kube/client.ts";
import { MeshError } from "../util/errors.ts";
import { type Io, triedOnce } from "./command.ts";

const MONITORING = "http-monitoring";

export interface Replica {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

/**
 * Those that run.
 *
 * @throws MeshError if there is none
 */
async function replicas(
  client: Pick<Client, "list">,
  signal?: AbortSignal,
): Promise<readonly Replica[]> {
  const labelSelector = `${COMPONENT}=control-plane`;
  const pods = await client.list(KINDS.pod, { labelSelector }, signal);
  const running = pods
    .filter(({ status, metadata }) => status?.phase === "Running" && !metadata.deletionTimestamp)
    .map(replica)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (running.length > 0) return running;
  throw new MeshError("MESH0901", "no replica of a control plane runs in this cluster", {
    hint: `see why with \`kubectl get pods -A -l ${labelSelector}\` and \`kubectl describe meshconfig\``,
  });
}

function replica({ metadata, spec }: Live<kube.Pod>): Replica {
  const ports = spec?.containers.flatMap((one) => one.ports ?? []) ?? [];
  const port = ports.find(({ name }) => name === MONITORING)?.containerPort ?? PORTS.monitoring;
  return { name: metadata.name, namespace: metadata.namespace ?? "", port };
}

/** What the replicas say. */
export interface Heard<T> {
  readonly answers: readonly T[];
  /** Whether each has answered. */
  readonly isWhole: boolean;
}

/** Asks each replica; of one that does not answer it warns, and the others are heard all the same. */
export async function askEach<T>(
  { client, signal, warn }: Io,
  question: (replica: Replica) => Promise<T>,
): Promise<Heard<T>> {
  const all = await replicas(client, signal);
  const outcomes = await Promise.allSettled(all.map(question));
  const answers = outcomes.flatMap((outcome, i) => {
    if (outcome.status === "fulfilled") return [outcome.value];
    warn(`replica ${all[i]?.name} did not answer: ${reasonOf(outcome.reason)}`);
    return [];
  });
  return { answers, isWhole: answers.length === all.length };
}

function reasonOf(error: unknown): string {
  const known = triedOnce(error);
  return known instanceof MeshError ? `${known.message}: ${known.hint}` : String(known);
}

/** Of the replica's monitoring port. */
export interface Page {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** A page of its monitoring port, parsed. */
export function ask(
  client: Pick<Client, "request">,
  { name, namespace, port }: Replica,
  { path, query = {} }: Page,
  signal?: AbortSignal,
): Promise<unknown> {
  const pod = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  const doing = `ask ${namespace}/${name} for ${path} (get on pods/proxy is needed)`;
  const request = { doing, method: "GET", path: `${pod}:${port}/proxy${path}`, query } as const;
  return client.request(request, signal);
}
