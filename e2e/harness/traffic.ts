/** Traffic from outside and from a sidecar at once, for as long as a suite goes on. */
import assert from "node:assert/strict";
import type { LoadReport } from "../../images/bookinfo/load.ts";
import type { Cluster } from "./cluster.ts";
import { failure, type HttpClient } from "./http.ts";
import { type RunningLoad, startLoad } from "./load.ts";
import { type PodLoad, startPodLoad } from "./pod-load.ts";
import { waitFor } from "./wait.ts";

export interface Route {
  readonly namespace: string;
  /** What the pod `client` of the namespace asks for. */
  readonly url: string;
  readonly ingress: HttpClient;
  /** What is asked of the ingress. */
  readonly path: string;
}

const PAUSE_MS = 20;
/** So many must be seen of each kind, to know that what was under way has ended. */
const OUTSIDE = 20;
const INSIDE = 2;

/** How much had been seen when something began. */
export interface Mark {
  readonly outside: number;
  readonly inside: number;
}

export class Traffic {
  readonly #outside: RunningLoad;
  readonly #inside: PodLoad;

  private constructor(outside: RunningLoad, inside: PodLoad) {
    this.#outside = outside;
    this.#inside = inside;
  }

  /** Returns when the first answers are there. */
  static async start(cluster: Cluster, { namespace, url, ingress, path }: Route): Promise<Traffic> {
    const inside = await startPodLoad(cluster, namespace, { url, pauseMs: PAUSE_MS });
    const outside = startLoad({ client: ingress, request: { path }, pauseMs: PAUSE_MS });
    return new Traffic(outside, inside);
  }

  async stop(): Promise<void> {
    await this.#outside.stop();
    await this.#inside.stop();
  }

  mark(): Mark {
    return { outside: this.#outside.records.length, inside: this.#inside.reports.length };
  }

  /**
   * Fails if a request has failed since the mark, when those that are under way now have ended.
   *
   * @returns what was asked, in words
   */
  async assertNoFailure(since: Mark): Promise<string> {
    const now = this.mark();
    await waitFor({ description: "more answers to both loads", deadlineMs: 60_000 }, () => {
      const { outside, inside } = this.mark();
      return outside >= now.outside + OUTSIDE && inside >= now.inside + INSIDE;
    });
    const records = this.#outside.records.slice(since.outside);
    const reports = this.#inside.reports.slice(since.inside);
    assert.deepEqual(
      {
        outside: records.flatMap((record) => failure(record) ?? []),
        inside: reports.flatMap(({ failures }) => failures),
      },
      { outside: [], inside: [] },
    );
    return `${records.length} requests through the ingress, ${sumOf(reports)} from a sidecar`;
  }
}

const sumOf = (reports: readonly LoadReport[]): number =>
  reports.reduce((sum, { requests }) => sum + requests, 0);
