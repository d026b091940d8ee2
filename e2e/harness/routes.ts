/** Edits of VirtualServices, and how long traffic takes to follow them. */
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../src/api/object.ts";
import type { Cluster } from "./cluster.ts";
import { rendered } from "./environment.ts";
import type { HttpClient, HttpRecord, HttpRequest } from "./http.ts";
import { failure } from "./http.ts";
import { startLoad } from "./load.ts";
import { waitFor } from "./wait.ts";

export const parseObjects = (yaml: string): KubeObject[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject);

/** Server-side apply of VirtualServices: what `kubectl apply` does, without the time it takes to start. */
export async function applyRoutes(
  { api }: Cluster,
  path: string,
  namespace: string,
): Promise<void> {
  for (const object of parseObjects(rendered(path))) {
    const { apiVersion, metadata } = object;
    const url = `/apis/${apiVersion}/namespaces/${namespace}/virtualservices/${metadata.name}`;
    const { status, body } = await api.send("PATCH", `${url}?fieldManager=kubectl&force=true`, {
      type: "application/apply-patch+yaml",
      body: JSON.stringify(object),
    });
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  }
}

export interface Edit {
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly apply: () => Promise<void>;
  /** Whether an answer is what the edit wants. */
  readonly isNew: (record: HttpRecord) => boolean;
  readonly description: string;
}

export interface Followed {
  /** From sending the edit to sending the first request of the unbroken new row. */
  readonly ms: number;
  readonly requests: number;
  readonly failures: readonly string[];
}

/** How many answers in a row must be new for traffic to have followed. */
const SETTLED = 30;

/** Makes an edit while requests run and says after how long all of them followed it. */
export async function followEdit(edit: Edit): Promise<Followed> {
  const { client, request, apply, isNew, description } = edit;
  const load = startLoad({ client, request });
  try {
    await waitFor(
      { description: "answer to the load", deadlineMs: 10_000 },
      () => load.records.length > 0,
    );
    const editedAt = performance.now();
    await apply();
    await waitFor({ description, deadlineMs: 15_000, intervalMs: 20 }, () => {
      const last = load.records.slice(-SETTLED);
      return last.length === SETTLED && last.every((one) => one.sentAt > editedAt && isNew(one));
    });
    const records = await load.stop();
    const old = records.findLastIndex((one) => !isNew(one));
    const first = records[old + 1];
    const failures = records.flatMap((one) => failure(one) ?? []);
    const ms = Math.max(0, (first?.sentAt ?? editedAt) - editedAt);
    return { ms, requests: records.length, failures };
  } finally {
    await load.stop();
  }
}
