/** Status of networking objects: every replica observes, the leader writes. */

import { hostname } from "node:os";
import type { Rejection } from "../ads/connection.ts";
import type { AdsServer } from "../ads/server.ts";
import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import type { Diagnostic } from "../api/diagnostic.ts";
import type { Kind } from "../api/kinds.ts";
import { CONTROL_PLANE, PORTS } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import { Ledger } from "../feedback/ledger.ts";
import type { Refusal } from "../feedback/rejections.ts";
import { Scribe } from "../feedback/scribe.ts";
import type { Client } from "../kube/client.ts";
import { lead } from "../kube/lease.ts";
import type { MeshModel } from "../model/dataflow.ts";
import { serviceHost } from "../model/host.ts";
import type { Sink } from "../store/sink.ts";
import { errorFields, type Log } from "../util/log.ts";
import { Provenance } from "../xds/provenance.ts";
import { RefusedPatches } from "./refused-patches.ts";

/** Where a replica tells the others what its proxies do not take. */
export const REFUSALS_PAGE = "/debug/refusals";
/** Which generation of an object a replica has seen: `?object=VirtualService shop/reviews`. */
/** Of any object, `?object=Service shop/web`, also one that has no status of ours. */
export const FINDINGS_PAGE = "/debug/findings";
export const GENERATION_PAGE = "/debug/generation";
const PEER_TIMEOUT_MS = 1_000;

export interface FeedbackOptions {
  readonly config: ControlPlaneConfig;
  readonly client: Client;
  readonly model: MeshModel;
  readonly log: Log;
  /** The name of this replica's pod. */
  readonly pod?: string;
}

export class Feedback {
  readonly #options: FeedbackOptions;
  readonly #pod: string;
  readonly #ledger = new Ledger();
  /** What was found of a refusal's sources, as long as somebody refuses it. */
  #sources = new Map<string, readonly string[]>();
  readonly #patches: RefusedPatches;
  #ads: AdsServer | undefined;
  #scribe: Scribe | undefined;

  constructor(options: FeedbackOptions) {
    this.#options = options;
    this.#patches = new RefusedPatches(options.model, () => this.#ads?.connections ?? []);
    this.#pod = options.pod ?? process.env["POD_NAME"] ?? hostname();
  }

  /** What a reflector of the kind must feed besides the model. */
  sink(kind: Kind): Sink<KubeObject> {
    return this.#ledger.sink(kind);
  }

  /** A proxy has rejected something. */
  rejectionHeard(rejection: Rejection): void {
    this.#patches.heard(rejection);
    this.#scribe?.rejectionHeard();
  }

  /** Of the object as this replica last saw it; `undefined` if it has not, or the object has no status. */
  generationOf(object: string): number | undefined {
    return this.#ledger.get(object)?.generation;
  }

  /** What is wrong with an object, as this replica sees it now. */
  findingsOf(object: string): readonly Diagnostic[] {
    const { engine, findings } = this.#options.model;
    return engine.get(findings, object).filter(({ untold }) => !untold);
  }

  /** Writes while this replica leads, until `signal` aborts. */
  async run(ads: AdsServer, signal: AbortSignal): Promise<void> {
    const { client, config, model, log } = this.#options;
    this.#ads = ads;
    const lease = { name: CONTROL_PLANE, namespace: config.namespace, identity: this.#pod, log };
    const work = async (held: AbortSignal): Promise<void> => {
      const { engine, findings } = model;
      const addressFamilies = (): readonly string[] => model.mesh(engine).addressFamilies();
      const refusals = (): Promise<readonly Refusal[]> => this.#allRefusals(held);
      const isBusy = (): boolean => this.#ads?.isBusy ?? false;
      const facts = { ledger: this.#ledger, engine, findings, refusals, addressFamilies };
      this.#scribe = new Scribe({ ...facts, isBusy, client, log }, held);
      await this.#scribe.run();
      this.#scribe = undefined;
    };
    try {
      await lead(client, lease, { work, signal });
    } catch (error) {
      // Proxies are served without it: a bug here must not end the process.
      log.error(`statuses are no longer written: ${String(error)}`, errorFields(error));
    }
  }

  /** What proxies connected to this replica do not take now. */
  refusals(): readonly Refusal[] {
    const { engine, mesh } = this.#options.model;
    const provenance = new Provenance(mesh(engine));
    const known = this.#sources;
    this.#sources = new Map();
    const now = [...(this.#ads?.refusals() ?? [])].map(
      ({ proxy, type, name, version, message }) => {
        const id = `${type} ${name} ${version}`;
        const sources =
          this.#sources.get(id) ??
          known.get(id) ??
          provenance.sourcesOf(proxy.view, { type, name });
        this.#sources.set(id, sources);
        return { proxy: proxy.key, sources, resource: `${type} ${name}`, message };
      },
    );
    return [...now, ...this.#patches.refusals()];
  }

  async #allRefusals(signal: AbortSignal): Promise<readonly Refusal[]> {
    const peers = this.#peers().map((address) => this.#ask(address, signal));
    return [...this.refusals(), ...(await Promise.all(peers)).flat()];
  }

  /** Addresses of the other replicas. */
  #peers(): readonly string[] {
    const { model, config } = this.#options;
    const { namespace, clusterDomain } = config;
    const endpoints = model
      .mesh(model.engine)
      .endpoints(serviceHost(CONTROL_PLANE, namespace, clusterDomain), namespace);
    const others = endpoints.filter(
      ({ port, workload }) => port === PORTS.monitoring && workload !== `${namespace}/${this.#pod}`,
    );
    return [...new Set(others.map(({ address }) => address))];
  }

  async #ask(address: string, signal: AbortSignal): Promise<readonly Refusal[]> {
    const { log } = this.#options;
    const host = address.includes(":") ? `[${address}]` : address;
    try {
      const response = await fetch(`http://${host}:${PORTS.monitoring}${REFUSALS_PAGE}`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(PEER_TIMEOUT_MS)]),
      });
      return response.ok ? ((await response.json()) as readonly Refusal[]) : [];
    } catch (error) {
      // It may be starting or ending; its proxies will be somewhere else soon.
      log.debug(`replica ${address} was not asked what its proxies reject: ${String(error)}`);
      return [];
    }
  }
}
