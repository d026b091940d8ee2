import type { DeltaDiscoveryRequest } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { resourceTypeOf } from "../proto/type-url.ts";
import type { ResourceType } from "../xds/resource.ts";
import type { Outgoing, Session, Verdict } from "./session.ts";
import { Turns } from "./turns.ts";

/** The part of a gRPC call that a stream uses. */
export interface Call {
  on(event: "data", listener: (request: DeltaDiscoveryRequest) => void): unknown;
  on(event: "end" | "cancelled" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Calls back when the message has left this process. */
  write(frame: Buffer, written: () => void): boolean;
  end(): void;
}

export interface StreamEvents {
  onSent(response: Outgoing): void;
  onVerdict(verdict: Verdict): void;
  /** Before the session sees a request, e.g. to prepare what it will ask for. */
  onRequest(type: ResourceType, request: DeltaDiscoveryRequest): void;
  onClose(): void;
}

export interface StreamTerms {
  /** Who may be sent its first configuration; shared with other streams. */
  readonly turns?: Turns;
  /** Asks for a `push` in its turn; without it, what a client says is acted on at once. */
  readonly schedule?: () => void;
  readonly now?: () => number;
}

/** So many messages are handed to the connection at once; the rest waits here, unencoded. */
const MAX_WRITING = 2;

/**
 * One Envoy's delta ADS stream: IO around a session. A client that does not read costs nothing: what
 * it misses is not queued, it is worked out when there is room again.
 */
export class AdsStream {
  readonly #call: Call;
  readonly #session: Session;
  readonly #events: StreamEvents;
  readonly #turns: Turns;
  readonly #schedule: () => void;
  readonly #now: () => number;
  readonly #resume = (): void => this.#pump();
  #writing = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(call: Call, session: Session, events: StreamEvents, terms: StreamTerms = {}) {
    this.#call = call;
    this.#session = session;
    this.#events = events;
    this.#turns = terms.turns ?? new Turns();
    this.#schedule = terms.schedule ?? this.#resume;
    this.#now = terms.now ?? (() => performance.now());
    call.on("data", (request) => this.#receive(request));
    call.on("end", () => call.end());
    // Every end of the stream, orderly or not, leads to "close"; an error alone tells nothing new.
    call.on("error", () => this.#close());
    call.on("cancelled", () => this.#close());
    call.on("close", () => this.#close());
  }

  /** Sends whatever the client lacks. Safe to call at any time: an up-to-date client gets nothing. */
  push(): void {
    this.#session.refresh();
    this.#pump();
  }

  #pump(): void {
    while (!this.#isClosed && this.#writing < MAX_WRITING && this.#mayGo()) {
      const response = this.#session.next(this.#now());
      if (response === undefined) break;
      if (response.bytes.length === 0) {
        this.#session.settle(response.type, response.nonce);
        continue;
      }
      this.#writing += 1;
      this.#call.write(response.bytes, () => this.#written());
      this.#events.onSent(response);
    }
    // It is done, or it is the client's turn.
    if (this.#writing === 0) this.#turns.rest(this.#resume);
    this.#wakeUp();
  }

  /** What changes goes out at once; what the client was never sent, in its turn. */
  #mayGo(): boolean {
    for (const { hasBacklog } of this.#session.subscriptions.values())
      if (hasBacklog) return this.#turns.take(this.#resume);
    return true;
  }

  /** Ends the stream in an orderly way: the client reconnects, elsewhere if we no longer listen. */
  end(): void {
    this.#call.end();
    this.#close();
  }

  #written(): void {
    this.#writing -= 1;
    this.#pump();
  }

  #receive(request: DeltaDiscoveryRequest): void {
    const type = resourceTypeOf(request.typeUrl ?? "");
    // A type we do not serve has no resources; the client goes on without.
    if (type === undefined || this.#isClosed) return;
    this.#events.onRequest(type, request);
    this.#judge(type, request);
    this.#subscribe(type, request);
    this.#schedule();
  }

  #judge(type: ResourceType, { responseNonce, errorDetail }: DeltaDiscoveryRequest): void {
    if (!responseNonce) return;
    const error = errorDetail && (errorDetail.message ?? "no reason given");
    const verdict = this.#session.settle(type, responseNonce, error);
    if (verdict !== undefined) this.#events.onVerdict(verdict);
  }

  #subscribe(type: ResourceType, request: DeltaDiscoveryRequest): void {
    const subscribe = request.resourceNamesSubscribe ?? [];
    const unsubscribe = request.resourceNamesUnsubscribe ?? [];
    const isFirst = !this.#session.subscriptions.has(type);
    if (!isFirst && subscribe.length + unsubscribe.length === 0) return;
    const initialVersions = request.initialResourceVersions ?? {};
    this.#session.subscribe(type, { subscribe, unsubscribe, initialVersions });
  }

  #wakeUp(): void {
    clearTimeout(this.#timer);
    const dueAt = this.#session.dueAt;
    if (this.#isClosed || dueAt === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(dueAt - this.#now(), 0) + 1;
    this.#timer = setTimeout(() => this.#pump(), delayMs).unref();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#turns.leave(this.#resume);
    this.#events.onClose();
  }
}
