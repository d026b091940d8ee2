/**
 * One client's conversation, as a state machine without IO: requests go in, what to send next comes
 * out. It holds the rules that Envoy really follows (e2e/integration/xds-facts.test.ts shows each).
 */
import type { EncodedResource, ResourceSet, ResourceType } from "../xds/resource.ts";
import {
  admitsAll,
  type Clusters,
  deliver,
  naming,
  Patience,
  release,
  type Waiting,
} from "./delivery.ts";
import type { Frame, FrameSource } from "./frames.ts";
import type { Held } from "./held.ts";
import { interned } from "./names.ts";
import { GATED, isGated, MANY, MOMENT, ORDER } from "./order.ts";
import { type Fresh, namedRoll } from "./roll.ts";
import { MAX_REFUSALS, type Request, Subscription } from "./subscription.ts";
import { RouteHosts } from "./virtual-hosts.ts";
import { Warming } from "./warming.ts";
import { type Batch, CHANGE_BYTES, CHUNK_BYTES, Work } from "./work.ts";

const NOTHING: Batch = { resources: [], removed: [] };

export interface Outgoing extends Frame {
  readonly type: ResourceType;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** What the client made of a response. */
export interface Verdict {
  readonly type: ResourceType;
  readonly nonce: string;
  /** Envoy's words, if it rejected the response. */
  readonly error?: string;
  readonly resources: readonly EncodedResource[];
}

export interface Source {
  /** The newest resources of a type for this client. */
  of(type: ResourceType): ResourceSet;
  /** Whether one of the newest listeners, routes or virtual hosts names the cluster. */
  names(cluster: string): boolean;
  /** Not there yet, but about to be: not to be answered with "does not exist". */
  pending(type: ResourceType, name: string): boolean;
}

export class Session {
  readonly #source: Source;
  readonly #frames: FrameSource;
  readonly #subscriptions = new Map<ResourceType, Subscription>();
  /** The newest resources as of the last refresh, of all types but secrets as of one moment. */
  readonly #targets = new Map<ResourceType, ResourceSet>();
  readonly #work = new Map<ResourceType, Work>();
  readonly #waiting = new Map<ResourceType, Waiting>();
  readonly #warming = new Warming();
  /** Endpoints of those that changed: they need them again. */
  readonly #changedClusters = new Set<string>();
  readonly #routeHosts = new RouteHosts(() => this.#subscriptions.get("RouteConfiguration"));
  #hasAnswered = false;
  readonly #patience = new Patience();

  constructor(source: Source, frames: FrameSource) {
    this.#source = source;
    this.#frames = frames;
  }

  get subscriptions(): ReadonlyMap<ResourceType, Subscription> {
    return this.#subscriptions;
  }

  /** The proxy's view changed, and with it the scope: everything is compared afresh. */
  estrange(): void {
    for (const subscription of this.#subscriptions.values()) subscription.estrange();
    this.#work.clear();
  }

  /** There may be something new. */
  refresh(): void {
    this.#targets.clear();
  }

  subscribe(type: ResourceType, asked: Request): void {
    const request = {
      ...asked,
      subscribe: this.#shares(type)
        ? asked.subscribe
        : interned(asked.subscribe, this.#target(type)),
    };
    const known = this.#subscriptions.get(type);
    if (known === undefined) this.#subscriptions.set(type, this.#first(type, request));
    else known.update(request);
    if (type === "RouteConfiguration") this.#routesAsked(request, known === undefined);
    this.#work.delete(type);
  }

  #routesAsked(request: Request, isFirst: boolean): void {
    const hosts = this.#subscriptions.get("VirtualHost");
    this.#routeHosts.follow(request, { isFirst, hosts, set: this.#target("VirtualHost") });
    this.#work.delete("VirtualHost");
  }

  /** @returns `undefined` if no such response is under way */
  settle(type: ResourceType, nonce: string, error?: string): Verdict | undefined {
    const subscription = this.#subscriptions.get(type);
    const response =
      error === undefined ? subscription?.accepted(nonce) : subscription?.rejected(nonce, error);
    if (response === undefined) return undefined;
    this.#hasAnswered = true;
    if (type === "Cluster") this.#warming.settled(nonce, response.resources);
    this.#settled(type);
    if (error !== undefined || subscription?.hasRefusals) this.#work.delete(type);
    const verdict = { type, nonce, resources: response.resources };
    return error === undefined ? verdict : { ...verdict, error };
  }

  #settled(type: ResourceType): void {
    if (type === "Cluster") for (const gated of GATED) this.#reconsider(gated);
    // What was replaced is gone for good now: clusters that only it named may follow.
    this.#reconsider("Cluster");
  }

  /** The next response, if the client lacks anything that may go out now. */
  next(now: number): Outgoing | undefined {
    for (const type of ORDER) {
      const outgoing = this.#take(type, now);
      if (outgoing !== undefined) return outgoing;
    }
    return this.#takeClusterRemovals(now);
  }

  /** When to ask for `next` again if nothing happens before. */
  get dueAt(): number {
    let { dueAt } = this.#patience;
    for (const work of this.#work.values()) dueAt = Math.min(dueAt, work.dueAt);
    return dueAt;
  }

  #target(type: ResourceType): ResourceSet {
    // A look at secrets makes a certificate, and what there is depends on what the proxy said last.
    if (type === "Secret") return this.#source.of(type);
    // Read together: a host may not be newer than the clusters it names.
    if (this.#targets.size === 0)
      for (const each of MOMENT) this.#targets.set(each, this.#source.of(each));
    return this.#targets.get(type) ?? this.#source.of(type);
  }

  /** Something that others waited for has happened. */
  #reconsider(type: ResourceType): void {
    if (this.#waiting.get(type)?.size) this.#work.delete(type);
  }

  #first(type: ResourceType, request: Request): Subscription {
    if (type !== "VirtualHost") {
      return type === "ClusterLoadAssignment"
        ? this.#firstEndpoints(request)
        : new Subscription(request, { shares: this.#shares(type) });
    }
    return this.#routeHosts.first(request, this.#shares(type));
  }

  #firstEndpoints(request: Request): Subscription {
    // Envoy speaks of clusters first, unless some are warming: those wait for endpoints, whatever
    // versions of them it reports.
    const isWarming = !this.#subscriptions.has("Cluster");
    const subscription = new Subscription(
      isWarming ? { ...request, initialVersions: {} } : request,
      {
        shares: this.#shares("ClusterLoadAssignment"),
        roll: namedRoll(this.#target("ClusterLoadAssignment")),
      },
    );
    for (const name of this.#changedClusters) if (subscription.wants(name)) subscription.ask(name);
    this.#changedClusters.clear();
    return subscription;
  }

  #shares(type: ResourceType): boolean {
    return this.#frames.whole !== undefined && MANY.has(type);
  }

  #take(type: ResourceType, now: number): Outgoing | undefined {
    const subscription = this.#subscriptions.get(type);
    if (subscription === undefined || this.#isIdle(type, subscription)) return undefined;
    const fresh = this.#takeFresh(type, subscription, now);
    if (fresh !== undefined) return fresh;
    const work = this.#plan(type, subscription, now);
    const limit = this.#limit(type, subscription);
    const taken = type === "Cluster" ? work.takeResources(limit) : work.take(limit);
    const batch = taken ?? (subscription.owesAnswer(work.target) ? NOTHING : undefined);
    return batch && this.#send(type, subscription, batch);
  }

  /** As most types are, most of the time: whoever makes new work for one deletes the old. */
  #isIdle(type: ResourceType, subscription: Subscription): boolean {
    const isDone = this.#work.get(type)?.isDoneFor(this.#target(type)) === true;
    return (isDone && !subscription.hasBacklog) || this.#tooEarly(type, subscription);
  }

  /** The next of what the client was never sent, as it was sent to others before. */
  #takeFresh(type: ResourceType, subscription: Subscription, now: number): Outgoing | undefined {
    if (!this.#shares(type)) return undefined;
    const target = this.#target(type);
    subscription.rebase(target);
    const { size } = subscription.deviations;
    const fresh = subscription.fresh(target);
    // What does not exist is answered by itself.
    if (subscription.deviations.size > size) this.#work.delete(type);
    if (fresh === undefined || !this.#mayGo(type, subscription, fresh, now)) return undefined;
    return this.#sendFresh(type, subscription, fresh);
  }

  #mayGo(type: ResourceType, hosts: Subscription, fresh: Fresh, now: number): boolean {
    if (type !== "VirtualHost") return true;
    const verdict = this.#patience.judge(
      this.#areWarm || admitsAll(fresh.clusters, this.#clusters()),
      now,
    );
    if (verdict === "over") {
      hosts.spread();
      this.#work.delete(type);
    }
    return verdict === "go";
  }

  /** Whether the client has all clusters as they are now, in use. */
  get #areWarm(): boolean {
    const clusters = this.#subscriptions.get("Cluster");
    return clusters?.isCurrent === true && this.#warming.isEmpty;
  }

  /**
   * A client that reconnects says what it has before it answers anything. Until its first answer
   * nobody knows which of its clusters are in use, so an empty response asks for one.
   */
  #takeClusterRemovals(now: number): Outgoing | undefined {
    const subscription = this.#subscriptions.get("Cluster");
    if (subscription === undefined || this.#tooEarly("Cluster", subscription)) return undefined;
    const work = this.#plan("Cluster", subscription, now);
    if (!this.#hasAnswered) {
      const mustAsk = work.hasRemovals && !this.#isAwaitingAnswer();
      return mustAsk ? this.#send("Cluster", subscription, NOTHING) : undefined;
    }
    const batch = work.takeRemoved();
    if (batch === undefined) return undefined;
    // Their endpoints may go with them.
    this.#work.delete("ClusterLoadAssignment");
    return this.#send("Cluster", subscription, batch);
  }

  #isAwaitingAnswer(): boolean {
    return this.#subscriptions.values().some(({ inFlight }) => inFlight.size > 0);
  }

  /** Hosts are compared once the client's routes are known: they say which hosts it wants. */
  #tooEarly(type: ResourceType, { inFlight }: Subscription): boolean {
    if (this.#frames.inTurn && inFlight.size > 0) return true;
    return type === "VirtualHost" && !this.#subscriptions.has("RouteConfiguration");
  }

  /** What goes in turn goes at once: each response may repeat all that came before. */
  #limit(type: ResourceType, { answered }: Subscription): number {
    if (this.#frames.inTurn) return Number.POSITIVE_INFINITY;
    return type === "VirtualHost" && answered ? CHANGE_BYTES : CHUNK_BYTES;
  }

  #plan(type: ResourceType, subscription: Subscription, now: number): Work {
    const target = this.#target(type);
    const known = this.#work.get(type);
    if (known?.target === target && now < known.dueAt) return known;
    subscription.rebase(target);
    const gate = {
      clusters: isGated(type) ? this.#clusters() : undefined,
      waiting: this.#waiting.get(type) ?? new Map<string, number>(),
      now,
    };
    const delivery = deliver(subscription.deviations, target.resources, gate);
    const { removed, waiting, dueAt } =
      type === "Cluster" ? release(delivery.removed, this.#uses(), gate) : delivery;
    const work = new Work(
      { target, dueAt },
      {
        ...subscription.parted(delivery.ready),
        removed: [
          ...removed.filter((name) => this.#mayRemove(type, name)),
          ...(type === "VirtualHost" ? this.#routeHosts.dismissed(subscription) : []),
        ],
      },
    );
    this.#waiting.set(type, waiting);
    this.#work.set(type, work);
    this.#planned(type);
    return work;
  }

  #planned(type: ResourceType): void {
    // What names a cluster changed: one that waits to be removed may go now.
    if (isGated(type)) this.#reconsider("Cluster");
    // What waits for endpoints may go after them.
    if (type === "ClusterLoadAssignment") for (const each of GATED) this.#reconsider(each);
  }

  #mayRemove(type: ResourceType, name: string): boolean {
    if (this.#source.pending(type, name)) return false;
    // Endpoints go with their cluster, which may have to stay a while.
    if (type !== "ClusterLoadAssignment") return true;
    const { asked = false, held } = this.#subscriptions.get(type)?.deviations.get(name) ?? {};
    const clusters = this.#subscriptions.get("Cluster");
    return asked || (held?.clusters ?? [name]).every((one) => clusters?.held(one) === undefined);
  }

  #clusters(): Clusters | undefined {
    const subscription = this.#subscriptions.get("Cluster");
    // A client that names its clusters asks for them after the routes that name them.
    const asksForAll = subscription?.wildcard ?? !this.#frames.inTurn;
    if (!asksForAll) return undefined;
    const target = this.#target("Cluster").resources;
    const endpoints = this.#target("ClusterLoadAssignment").resources;
    return {
      empty: (name) => endpoints.get(target.get(name)?.assignment ?? name)?.isEmpty ?? false,
      warm: (name) => subscription?.held(name) !== undefined && !this.#warming.has(name),
      coming: (name) => {
        const next = target.get(name);
        return (
          next !== undefined && (subscription?.refusals(name, next.version) ?? 0) < MAX_REFUSALS
        );
      },
    };
  }

  /** Looked at only while clusters wait to be removed. */
  #uses(): { held(cluster: string): boolean; wanted(cluster: string): boolean } {
    let held: ((cluster: string) => boolean) | undefined;
    return {
      held: (cluster) => (held ??= naming(this.#oldContent()))(cluster),
      wanted: (cluster) => this.#isBehind() || this.#source.names(cluster),
    };
  }

  /** Who names a cluster is known of the newest moment only; what waits for the next refresh may. */
  #isBehind(): boolean {
    return GATED.some((type) => this.#source.of(type) !== this.#target(type));
  }

  /** What the proxy has, or may have until it accepts what was sent, and is no longer current. */
  *#oldContent(): Iterable<Held | undefined> {
    for (const type of GATED) {
      const subscription = this.#subscriptions.get(type);
      if (subscription === undefined) continue;
      // Changes that were not looked at yet count as well.
      subscription.rebase(this.#target(type));
      this.#work.delete(type);
      for (const { held } of subscription.deviations.values()) yield held;
      for (const { replaced } of subscription.inFlight.values()) yield* replaced.values();
    }
  }

  #send(type: ResourceType, subscription: Subscription, { resources, removed }: Batch): Outgoing {
    let frame = this.#frames.encode(type, resources, removed);
    if (subscription.inFlight.has(frame.nonce))
      frame = this.#frames.unshared(type, resources, removed);
    if (type === "Cluster") this.#noteClusters(subscription, resources, frame.nonce);
    if (type === "VirtualHost") this.#routeHosts.removed(removed);
    subscription.sent(frame.nonce, resources, removed);
    return { type, resources, removed, ...frame };
  }

  #sendFresh(type: ResourceType, subscription: Subscription, fresh: Fresh): Outgoing {
    const { resources } = fresh;
    let frame = this.#frames.whole?.(type, resources);
    if (frame === undefined || subscription.inFlight.has(frame.nonce))
      frame = this.#frames.unshared(type, resources, []);
    if (type === "Cluster") this.#warming.addFresh(fresh, frame.nonce);
    subscription.sentFresh(frame.nonce, fresh);
    return { type, resources, removed: [], ...frame };
  }

  #noteClusters(
    subscription: Subscription,
    resources: readonly EncodedResource[],
    nonce: string,
  ): void {
    const endpoints = this.#subscriptions.get("ClusterLoadAssignment");
    for (const cluster of resources) {
      const { name, assignment = name } = cluster;
      const held = subscription.held(name);
      this.#warming.add(cluster, held, nonce);
      if (held === undefined) continue;
      // Envoy warms a changed cluster with new endpoints, and does not ask for them.
      if (endpoints === undefined) this.#changedClusters.add(assignment);
      else if (endpoints.wants(assignment)) {
        endpoints.ask(assignment, endpoints.held(assignment));
        this.#work.delete("ClusterLoadAssignment");
      }
    }
  }
}
