/** Leader election by a Lease: of several replicas one works, and it stops before another may start. */

import type { Lease, LeaseSpec } from "../api/gen/kubernetes.ts";
import { KINDS, type Live } from "../api/kinds.ts";
import type { Log } from "../util/log.ts";
import { gauge } from "../util/metrics.ts";
import { pause } from "./backoff.ts";
import type { Client } from "./client.ts";
import { ApiError } from "./error.ts";

export interface LeaseOptions {
  readonly name: string;
  readonly namespace: string;
  /** Who we are: unique among the replicas, e.g. the pod's name. */
  readonly identity: string;
  readonly log: Log;
  /** How long after its last renewal a silent leader is taken for dead. */
  readonly durationMs?: number;
  /** How long the leader itself goes on without a renewal: shorter, so that two never work at once. */
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
}

const leading = gauge("meshwright_leader", "1 while this process holds the Lease", ["lease"]);

type LiveLease = Live<Lease>;

/**
 * Waits for the Lease, then runs `work`, again and again until `signal` aborts.
 *
 * @param work gets a signal that aborts when the Lease is lost or `signal` aborts: after that it
 *   must write nothing. It should return soon after; the Lease is released only then.
 */
export async function lead(
  client: Client,
  options: LeaseOptions,
  {
    work,
    signal,
  }: { readonly work: (held: AbortSignal) => Promise<void>; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const election = new Election(client, options);
    if (!(await election.win(signal))) return;
    const lost = new AbortController();
    const held = AbortSignal.any([signal, lost.signal]);
    options.log.info(`${options.identity} leads`);
    leading.set({ lease: options.name }, 1);
    const renewing = election.renew(held, lost);
    try {
      await work(held);
      // Work that ends by itself has nothing left to do; the Lease is held until the end.
      if (!held.aborted) await aborted(held);
    } finally {
      lost.abort(new Error("the work of the leader has ended"));
      await renewing;
      leading.set({ lease: options.name }, 0);
      await election.release();
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

class Election {
  readonly #client: Client;
  readonly #options: Required<LeaseOptions>;
  /** As last seen; `since` is on our own clock, for clocks of other nodes are not to be trusted. */
  #seen: { readonly record: string; readonly since: number } | undefined;
  #lease: LiveLease | undefined;
  #renewed = 0;

  constructor(client: Client, options: LeaseOptions) {
    this.#client = client;
    this.#options = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, ...options };
  }

  /** @returns whether it was won; false only when `signal` aborted */
  async win(signal: AbortSignal): Promise<boolean> {
    const { log, retryMs } = this.#options;
    while (!signal.aborted) {
      try {
        if (await this.#try(signal)) return true;
      } catch (error) {
        // Recovers from an API server that is away; anything else is a bug of ours.
        if (signal.aborted) return false;
        if (!(error instanceof ApiError)) throw error;
        if (error.status !== 409) log.warn(error.message, { code: error.code });
      }
      await pause(retryMs * (0.8 + 0.4 * Math.random()), signal);
    }
    return false;
  }

  /** Renews until `held` aborts, and aborts `lost` when that failed for too long. */
  async renew(held: AbortSignal, lost: AbortController): Promise<void> {
    const { log, retryMs, identity } = this.#options;
    let deadline = this.#deadline(lost);
    while (!held.aborted) {
      await pause(retryMs, held);
      if (held.aborted) break;
      try {
        await this.#write(held);
        clearTimeout(deadline);
        deadline = this.#deadline(lost);
      } catch (error) {
        if (held.aborted) break;
        if (!(error instanceof ApiError)) throw error;
        log.warn(error.message, { code: error.code });
        // Somebody else wrote it: if that was another leader, we have lost.
        if (error.status === 409 && (await this.#isForeign(held)))
          lost.abort(new Error(`another replica leads in place of ${identity}`));
      }
    }
    clearTimeout(deadline);
  }

  /** Lets the next replica start at once; a Lease that another holds by now is left to it. */
  async release(): Promise<void> {
    const { identity, log } = this.#options;
    if (this.#leftMs() <= 0 || this.#lease?.spec?.holderIdentity !== identity) return;
    try {
      await this.#write(AbortSignal.timeout(3_000), "");
    } catch (error) {
      // The Lease then simply expires.
      if (!(error instanceof ApiError)) throw error;
      log.warn(error.message, { code: error.code });
    }
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity, durationMs } = this.#options;
    this.#lease = await this.#client.get(KINDS.lease, { namespace, name }, signal);
    const holder = this.#lease?.spec?.holderIdentity ?? "";
    if (holder !== "" && holder !== identity) {
      const record = JSON.stringify(this.#lease?.spec);
      if (this.#seen?.record !== record) this.#seen = { record, since: performance.now() };
      const leftMs = this.#seen.since + durationMs - performance.now();
      if (leftMs > 0) return false;
    }
    await this.#write(signal);
    return this.#leftMs() > 0;
  }

  /** Aborts `lost` when no time is left. */
  #deadline(lost: AbortController): NodeJS.Timeout | undefined {
    const seconds = this.#options.renewDeadlineMs / 1000;
    const expire = (): void => lost.abort(new Error(`the Lease was not renewed for ${seconds} s`));
    const leftMs = this.#leftMs();
    if (leftMs > 0) return setTimeout(expire, leftMs);
    expire();
    return undefined;
  }

  /** Counts from when the last renewal was sent: others count from when it was stored, or later. */
  #leftMs(): number {
    return this.#renewed + this.#options.renewDeadlineMs - performance.now();
  }

  async #isForeign(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const lease = await this.#client
      .get(KINDS.lease, { namespace, name }, signal)
      .catch(() => undefined);
    if (lease === undefined) return false;
    this.#lease = lease;
    return lease.spec?.holderIdentity !== identity;
  }

  async #write(signal: AbortSignal, holder = this.#options.identity): Promise<void> {
    const { namespace, name, durationMs } = this.#options;
    const started = performance.now();
    const lease: LiveLease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace, ...version(this.#lease) },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: Math.ceil(durationMs / 1000),
        ...tenure(this.#lease?.spec, holder),
      },
    };
    this.#lease =
      this.#lease === undefined
        ? await this.#client.create(lease, {}, signal)
        : await this.#client.update(lease, signal);
    this.#renewed = started;
  }
}

const version = (lease: LiveLease | undefined): { readonly resourceVersion?: string } =>
  lease?.metadata.resourceVersion ? { resourceVersion: lease.metadata.resourceVersion } : {};

/** Since when and for which time in a row; a Lease that is released keeps its count. */
function tenure(
  previous: LeaseSpec | undefined,
  holder: string,
): Pick<LeaseSpec, "renewTime" | "acquireTime" | "leaseTransitions"> {
  const now = microTime();
  const transitions = previous?.leaseTransitions ?? 0;
  if (previous?.holderIdentity === holder)
    return {
      renewTime: now,
      acquireTime: previous.acquireTime ?? now,
      leaseTransitions: transitions,
    };
  return { renewTime: now, acquireTime: now, leaseTransitions: transitions + (holder ? 1 : 0) };
}

/** Kubernetes' MicroTime has six digits. */
const microTime = (): string => new Date().toISOString().replace("Z", "000Z");
