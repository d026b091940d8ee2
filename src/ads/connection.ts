import { WORKLOAD_SECRET } from "../api/names.ts";
import type { DeltaDiscoveryRequest } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import type { EncodedResource, ResourceType, Scopes } from "../xds/resource.ts";
import type { Caller } from "./auth.ts";
import type { Dialect } from "./dialect.ts";
import type { Frames } from "./frames.ts";
import { received, rejected, sentBytes, sentMessages } from "./metrics.ts";
import type { ProxySecrets, SecretStore } from "./secrets.ts";
import { type Outgoing, Session, type Verdict } from "./session.ts";
import { ProxySource } from "./source.ts";
import { AdsStream, type Call, type StreamEvents } from "./stream.ts";
import type { Turns } from "./turns.ts";

/** What a proxy rejected: an observation for the status writer, never an input of translation. */
export interface Rejection {
  readonly proxy: string;
  readonly type: ResourceType;
  /** Name and version of what was in the response; one entry means that it is the culprit. */
  readonly resources: readonly {
    readonly name: string;
    readonly version: string;
    /** Users' patches had a part in it. */
    readonly isPatched?: true;
  }[];
  /** Envoy's words. */
  readonly message: string;
}

/** A resource that a proxy does not take as it is now. */
export interface Refusal {
  readonly proxy: Caller;
  readonly type: ResourceType;
  readonly name: string;
  readonly version: string;
  /** Envoy's words. */
  readonly message: string;
}

/** How one type stands at one proxy. */
export interface TypeStatus {
  sent: string;
  acked: string;
  /** Envoy's words, if it rejected the response that it answered last. */
  rejected?: string;
}

export interface Hub {
  readonly scopes: Scopes;
  readonly secrets: SecretStore;
  readonly frames: Frames;
  readonly turns: Turns;
  /** The connection's push is wanted soon. */
  changedFor(connection: Connection): void;
  closed(connection: Connection): void;
  rejected(rejection: Rejection): void;
}

interface Terms {
  readonly hub: Hub;
  readonly dialect: Dialect;
}

const spoken = (caller: Caller, dialect: Dialect): Caller => ({
  ...caller,
  view: dialect.view(caller.view),
});

/** One authenticated proxy and its stream. */
export class Connection {
  readonly connectedAt = new Date();
  readonly types = new Map<ResourceType, TypeStatus>();
  readonly session: Session;
  #caller: Caller;
  readonly #hub: Hub;
  readonly #dialect: Dialect;
  readonly #stream: AdsStream;
  readonly #source: ProxySource;
  readonly #secrets: ProxySecrets;
  #scope: ReturnType<Scopes["acquire"]>;

  constructor(call: Call, caller: Caller, { hub, dialect }: Terms) {
    this.#caller = spoken(caller, dialect);
    this.#hub = hub;
    this.#dialect = dialect;
    this.#scope = hub.scopes.acquire(this.#caller.view);
    this.#secrets = hub.secrets.acquire(caller.identity, () => hub.changedFor(this));
    this.#source = new ProxySource(dialect.scope(this.#scope.scope), this.#secrets);
    this.session = new Session(this.#source, dialect.frames);
    const events: StreamEvents = {
      onRequest: (type, request) => this.#onRequest(type, request),
      onSent: (response) => this.#onSent(response),
      onVerdict: (verdict) => this.#onVerdict(verdict),
      onClose: () => this.#release(),
    };
    this.#stream = new AdsStream(call, this.session, events, {
      turns: hub.turns,
      schedule: () => hub.changedFor(this),
    });
  }

  /** Who it is, seen in its own dialect. */
  get caller(): Caller {
    return this.#caller;
  }

  push(): void {
    this.#stream.push();
  }

  end(): void {
    this.#stream.end();
  }

  /** What the proxy should have of what it asked for. */
  resources(type: ResourceType): readonly EncodedResource[] {
    const subscription = this.session.subscriptions.get(type);
    const all = [...this.#source.of(type).resources.values()];
    return all.filter(({ name }) => subscription?.wants(name));
  }

  /** What the proxy should have under a name. */
  resource(type: ResourceType, name: string): EncodedResource | undefined {
    return this.#source.of(type).resources.get(name);
  }

  /** The culprits alone, as long as they are what the proxy should have. */
  *refusals(): Iterable<Refusal> {
    for (const [type, { refused }] of this.session.subscriptions)
      for (const [name, { version, times, message }] of refused)
        if (times > 0 && this.resource(type, name)?.version === version)
          yield { proxy: this.caller, type, name, version, message };
  }

  /** The pod changed: what it should see may be another scope's. */
  move(caller: Caller): void {
    const to = spoken(caller, this.#dialect);
    if (JSON.stringify(to.view) === JSON.stringify(this.#caller.view)) return;
    const before = this.#scope;
    this.#caller = to;
    this.#scope = this.#hub.scopes.acquire(to.view);
    before.release();
    this.#source.scope = this.#dialect.scope(this.#scope.scope);
    this.session.estrange();
    this.#hub.changedFor(this);
  }

  #onRequest(type: ResourceType, request: DeltaDiscoveryRequest): void {
    received.inc({ type });
    if (type !== "Secret") return;
    const isFirst = !this.session.subscriptions.has("Secret");
    const version = request.initialResourceVersions?.[WORKLOAD_SECRET];
    if (isFirst && version !== undefined) this.#secrets.adopt(version);
    else if (request.resourceNamesSubscribe?.includes(WORKLOAD_SECRET)) this.#secrets.disown();
    // Whose certificate it is has changed, and with it what there is to send.
    this.session.refresh();
  }

  #onSent({ type, nonce, bytes }: Outgoing): void {
    sentMessages.inc({ type });
    sentBytes.inc({ type }, bytes.length);
    const status = this.types.get(type);
    if (status === undefined) this.types.set(type, { sent: nonce, acked: "" });
    else status.sent = nonce;
  }

  #onVerdict({ type, nonce, resources, error }: Verdict): void {
    const status = this.types.get(type);
    if (status === undefined) return;
    status.acked = nonce;
    if (error === undefined) {
      delete status.rejected;
      return;
    }
    status.rejected = error;
    rejected.inc({ type });
    const named = resources.map(({ name, version, patches }) => ({
      name,
      version,
      ...(patches && { isPatched: true as const }),
    }));
    this.#hub.rejected({ proxy: this.caller.key, type, resources: named, message: error });
  }

  #release(): void {
    this.#scope.release();
    this.#secrets.release();
    this.#hub.closed(this);
  }
}
