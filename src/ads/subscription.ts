import type { EncodedResource, ResourceSet } from "../xds/resource.ts";
import { Backlog, type Span } from "./backlog.ts";
import { ASKED, type Deviation, type Held, Holding, SENT } from "./held.ts";
import { Names } from "./names.ts";
import { type Fresh, type Roll, rollOf } from "./roll.ts";

/** What a client says of one type, in the words of the protocol. */
export interface Request {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: Readonly<Record<string, string>>;
}

/** One response that the client has neither accepted nor rejected yet. */
export interface InFlight {
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
  /** What the client had under names of this response, where it had something. */
  readonly replaced: ReadonlyMap<string, Held>;
}

/** A version that the client did not take. */
export interface Refused {
  readonly version: string;
  /** 0 if only in company, when another resource may be the culprit. */
  readonly times: number;
  /** The client's words. */
  readonly message: string;
}

/** A resource that was rejected alone is tried once more, when nothing else is under way. */
export const MAX_REFUSALS = 2;

/** What is known of a client besides what it says. */
export interface Terms {
  /** Names it wants though it never says so, e.g. the hosts of its route configurations. */
  readonly implied?: {
    readonly wants: (name: string) => boolean;
    /** Whether it wants all that is in the set. */
    readonly covers: (set: ResourceSet) => boolean;
  };
  /** What it asks for by name, if it asks as others do. */
  readonly roll?: Roll;
  /** Whether what it was never sent goes out as it went to others before. */
  readonly shares?: boolean;
}

/**
 * What one client wants of one resource type, what it has of it, and what is under way.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
 */
export class Subscription {
  readonly #holding = new Holding();
  readonly #names: Names;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #terms: Terms;
  readonly #refused = new Map<string, Refused>();
  #unwanted: string[] = [];
  #wildcard = false;
  /** Versions that the client brought along, until the first cursor is made of them. */
  #reported: Map<string, string> | undefined;
  #based = false;
  /** Whether the client knows anything: it was answered, or it brought versions along. */
  answered: boolean;

  constructor(first: Request, terms: Terms = {}) {
    this.#terms = terms;
    this.#names = new Names(terms.roll);
    // A first request that names nothing asks for everything: the legacy wildcard.
    this.#wildcard = terms.implied === undefined && first.subscribe.length === 0;
    this.#reported = new Map(Object.entries(first.initialVersions));
    this.answered = this.#reported.size > 0;
    if (!this.#mayFollow || !this.#names.follow(first.subscribe))
      for (const name of first.subscribe) this.#want(name);
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get names(): Pick<Names, "has"> & Iterable<string> {
    return this.#names;
  }

  get inFlight(): ReadonlyMap<string, InFlight> {
    return this.#inFlight;
  }

  /** What is left to do, but for the backlog. */
  get deviations(): ReadonlyMap<string, Deviation> {
    return this.#holding.deviations;
  }

  /** Whether there is something that the client was never sent, and others were. */
  get hasBacklog(): boolean {
    return this.#based ? this.#holding.backlog?.isEmpty === false : this.#isFresh;
  }

  /** Whether nothing is left to do. */
  get isCurrent(): boolean {
    return this.deviations.size === 0 && (this.#holding.backlog?.isEmpty ?? true);
  }

  /** How many names are left to do. */
  get outstanding(): number {
    return this.deviations.size + (this.#holding.backlog?.size ?? 0);
  }

  wants(name: string): boolean {
    return (
      this.#wildcard ||
      this.#names.has(name) ||
      (this.#terms.implied !== undefined && this.#terms.implied.wants(name))
    );
  }

  /** A client that asked for everything waits for an answer, even if there is nothing. */
  owesAnswer({ resources }: ResourceSet): boolean {
    return this.#wildcard && !this.answered && resources.size === 0;
  }

  /** What the client has, as far as we know, under a name it wants. */
  held(name: string): Held | undefined {
    return this.wants(name) ? this.#holding.held(name) : undefined;
  }

  update({ subscribe, unsubscribe }: Request): void {
    if (unsubscribe.length > 0) this.spread();
    for (const name of unsubscribe) this.#unwant(name);
    // They join the backlog, or what the first cursor is made of.
    if (this.#mayFollow && this.#names.follow(subscribe)) return;
    for (const name of subscribe) {
      const held = this.held(name);
      this.#want(name);
      if (name !== "*") this.ask(name, held);
    }
  }

  /** The client must be sent this name again, or told that it does not exist. */
  ask(name: string, held?: Held): void {
    this.#reported?.delete(name);
    if (this.#based) this.#holding.deviate(name, { held, asked: true });
  }

  /** The client no longer wants what it wanted by implication. */
  drop(names: Iterable<string>): void {
    this.spread();
    for (const name of names) this.#holding.settle(name);
  }

  /** Moves the cursor to `target`: afterwards `deviations` is all that is left to do. */
  rebase(target: ResourceSet): void {
    if (this.#based) this.#holding.rebase(target, (name) => this.wants(name));
    else this.#start(target);
  }

  /** The next of what was never sent; what does not exist is left to be answered by itself. */
  fresh(target: ResourceSet): Fresh | undefined {
    return this.#holding.backlog?.peek(target, (name, wasSent) => {
      if (wasSent) this.#holding.deviate(name, SENT);
      else if (this.#names.has(name)) this.#holding.deviate(name, ASKED);
    });
  }

  /** What `fresh` gave was sent. */
  sentFresh(nonce: string, { resources }: Fresh): void {
    this.#holding.backlog?.advance();
    if (this.deviations.size > 0) for (const { name } of resources) this.#holding.settle(name);
    this.#inFlight.set(nonce, { resources, removed: [], replaced: NOTHING });
    this.answered = true;
  }

  /** Has each name of the backlog go out as soon as it may itself. */
  spread(): void {
    this.#holding.spread((name) => this.wants(name));
  }

  /** Names that the client brought along and does not want. */
  takeUnwanted(): readonly string[] {
    const names = this.#unwanted;
    this.#unwanted = [];
    return names;
  }

  estrange(): void {
    this.#holding.estrange();
  }

  sent(nonce: string, resources: readonly EncodedResource[], removed: readonly string[]): void {
    const replaced = new Map<string, Held>();
    const note = (name: string): void => {
      const held = this.#holding.held(name);
      if (held !== undefined) replaced.set(name, held);
      this.#holding.settle(name);
    };
    for (const { name } of resources) note(name);
    for (const name of removed) note(name);
    this.#inFlight.set(nonce, { resources, removed, replaced });
    this.answered = true;
  }

  /**
   * How often the client rejected this very version: 0 if only in company, when another resource
   * may be the culprit; `undefined` if it never did.
   */
  refusals(name: string, version: string): number | undefined {
    const refused = this.#refused.get(name);
    return refused?.version === version ? refused.times : undefined;
  }

  get hasRefusals(): boolean {
    return this.#refused.size > 0;
  }

  /** By name; a version may have been replaced since, and not been sent yet. */
  get refused(): ReadonlyMap<string, Refused> {
    return this.#refused;
  }

  /** What nobody rejected goes together; what was rejected goes alone, and soon no more. */
  parted(ready: readonly EncodedResource[]) {
    if (!this.hasRefusals) return { together: ready, alone: [] };
    const refusals = ({ name, version }: EncodedResource) => this.refusals(name, version);
    const limit = this.#inFlight.size === 0 ? MAX_REFUSALS : 1;
    return {
      together: ready.filter((resource) => refusals(resource) === undefined),
      alone: ready.filter((resource) => (refusals(resource) ?? MAX_REFUSALS) < limit),
    };
  }

  accepted(nonce: string): InFlight | undefined {
    const response = this.#take(nonce);
    if (this.#refused.size > 0)
      for (const { name } of response?.resources ?? []) this.#refused.delete(name);
    return response;
  }

  /** The client kept what it had: everything in the response is outstanding again. */
  rejected(nonce: string, message: string): InFlight | undefined {
    const response = this.#take(nonce);
    if (response === undefined) return undefined;
    const { resources, removed, replaced } = response;
    const alone = resources.length + removed.length === 1;
    for (const { name, version } of resources) {
      const times = (this.refusals(name, version) ?? 0) + (alone ? 1 : 0);
      this.#refused.set(name, { version, times, message });
      this.#holding.deviate(name, { held: replaced.get(name), asked: false });
    }
    for (const name of removed)
      this.#holding.deviate(name, { held: replaced.get(name), asked: false });
    return response;
  }

  #take(nonce: string): InFlight | undefined {
    const response = this.#inFlight.get(nonce);
    this.#inFlight.delete(nonce);
    return response;
  }

  #start(target: ResourceSet): void {
    const reported = this.#reported ?? new Map<string, string>();
    this.#reported = undefined;
    this.#based = true;
    const spans = reported.size === 0 ? this.#spans(target) : [];
    this.#holding.start(target, spans.length === 0 ? undefined : new Backlog(spans, target));
    if (this.#names.hasGone) this.spread();
    const others =
      spans.length > 0 ? this.#names.own : [...target.resources.keys(), ...this.#names];
    for (const name of others)
      if (!reported.has(name) && this.wants(name)) this.#holding.deviate(name, ASKED);
    this.#compare(reported, target);
  }

  /** With what the client says that it has, from before this stream. */
  #compare(reported: ReadonlyMap<string, string>, target: ResourceSet): void {
    for (const [name, version] of reported) {
      if (!this.wants(name)) {
        this.#unwanted.push(name);
        continue;
      }
      const isSame = target.resources.get(name)?.version === version;
      const held = { version, clusters: undefined };
      if (!isSame) this.#holding.deviate(name, { held, asked: false });
    }
  }

  /** Whether names that follow the roll find their way into the backlog. */
  get #mayFollow(): boolean {
    if (this.#wildcard) return false;
    return this.#based ? this.#holding.backlog !== undefined : this.#isFresh;
  }

  /** Whether it will have a backlog when it is first looked at. */
  get #isFresh(): boolean {
    return this.#terms.shares === true && this.#reported?.size === 0;
  }

  /** The parts of rolls that the client wants, if it wants them whole. */
  #spans(target: ResourceSet): readonly Span[] {
    const { implied, roll, shares = false } = this.#terms;
    if (!shares) return [];
    if (this.#wildcard || implied?.covers(target))
      return (target.layers ?? [target]).map((layer) => {
        const whole = rollOf(layer);
        return { roll: whole, layer, end: () => whole.length };
      });
    return roll === undefined ? [] : [{ roll, layer: target, end: () => this.#names.count }];
  }

  #want(name: string): void {
    if (name !== "*") {
      this.#names.add(name);
      return;
    }
    for (const other of this.#holding.names()) if (!this.wants(other)) this.ask(other);
    this.#wildcard = true;
  }

  #unwant(name: string): void {
    if (name === "*") {
      this.#wildcard = false;
      for (const other of this.deviations.keys())
        if (!this.wants(other)) this.#holding.settle(other);
      return;
    }
    this.#names.delete(name);
    this.#holding.settle(name);
    // Still covered by the wildcard: the client forgot it and must be told again.
    if (this.wants(name)) this.ask(name);
  }
}

const NOTHING: ReadonlyMap<string, Held> = new Map();
