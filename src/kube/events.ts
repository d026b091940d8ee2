import { randomBytes } from "node:crypto";
import type { Event } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { errorFields, type Log } from "../util/log.ts";
import type { Client } from "./client.ts";

/** The same words about the same object are said once in this time. */
const SILENCE_MS = 10 * 60_000;
/** Where Events about objects without a namespace are kept. */
const CLUSTER_NAMESPACE = "default";

export interface Happening {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Tells users what happened to their objects, by Events and in the log. Never fails its caller. */
export class Events {
  readonly #client: Client;
  readonly #component: string;
  readonly #log: Log;
  readonly #said = new Map<string, number>();

  constructor(client: Client, component: string, log: Log) {
    this.#client = client;
    this.#component = component;
    this.#log = log;
  }

  async emit(object: KubeObject, happening: Happening, signal?: AbortSignal): Promise<void> {
    if (this.#isRepeated(JSON.stringify([object.metadata.uid, happening]))) return;
    const { type, reason, message } = happening;
    this.#log[type === "Normal" ? "info" : "warn"](message, { reason });
    try {
      await this.#client.create(this.#event(object, happening), {}, signal);
    } catch (error) {
      // Events are a courtesy: what they tell of goes on without them.
      this.#log.warn(`an Event was lost: ${String(error)}`, errorFields(error));
    }
  }

  #isRepeated(words: string): boolean {
    const now = performance.now();
    for (const [known, at] of this.#said) if (now - at > SILENCE_MS) this.#said.delete(known);
    if (this.#said.has(words)) return true;
    this.#said.set(words, now);
    return false;
  }

  #event(object: KubeObject, { type, reason, message }: Happening): Live<Event> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${name}.${randomBytes(8).toString("hex")}`,
        namespace: namespace ?? CLUSTER_NAMESPACE,
      },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: this.#component,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
  }
}
