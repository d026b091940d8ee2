/**
 * ADS over TLS, delta and state of the world: who may connect, what each connection is owed, and how they part. Responses
 * are bytes already; this layer may not look into a resource.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  experimental,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import { unframed } from "../proto/frame.ts";
import {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
} from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { MeshError } from "../util/errors.ts";
import type { Log } from "../util/log.ts";
import type { Scopes } from "../xds/resource.ts";
import { type Authenticator, type Caller, caller as callerOf, UNAUTHENTICATED } from "./auth.ts";
import { Connection, type Hub, type Refusal, type Rejection } from "./connection.ts";
import { type Dialect, deltaDialect, stateDialect } from "./dialect.ts";
import { Frames } from "./frames.ts";
import { sendFrames } from "./framing.ts";
import { connected, refusedCalls, rounds } from "./metrics.ts";
import type { Pods } from "./pods.ts";
import { Pusher } from "./push.ts";
import { SecretStore, type WorkloadSecrets } from "./secrets.ts";
import type { ServingCertificates } from "./serving.ts";
import { SotwCall } from "./sotw/call.ts";
import type { Call } from "./stream.ts";
import { Turns } from "./turns.ts";

type AdsCall<Request> = ServerDuplexStream<Request, Buffer>;

export interface AdsOptions {
  readonly scopes: Scopes;
  readonly secrets: WorkloadSecrets;
  readonly pods: Pods;
  readonly trustDomain: string;
  readonly authenticator: Pick<Authenticator, "authenticate">;
  readonly log: Log;
  readonly onRejection?: (rejection: Rejection) => void;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly certificates: ServingCertificates;
}

interface Codec<Request> {
  encode(request: Request): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Request;
}

const method = <Request>(name: string, codec: Codec<Request>) => ({
  path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${name}`,
  requestStream: true as const,
  responseStream: true as const,
  requestSerialize: (request: Request) => Buffer.from(codec.encode(request).finish()),
  requestDeserialize: (bytes: Buffer) => codec.decode(bytes),
  responseSerialize: unframed,
  responseDeserialize: (bytes: Buffer) => bytes,
});

const SERVICE = {
  DeltaAggregatedResources: method("DeltaAggregatedResources", DeltaDiscoveryRequest),
  StreamAggregatedResources: method("StreamAggregatedResources", DiscoveryRequest),
} as const;

/**
 * A dead peer is noticed within 40 s. Connections end after half an hour, so that new replicas get
 * their share: a reconnect costs only differences. grpc-js spreads that by a tenth to either side, so
 * those that came at once do not leave at once.
 */
const CHANNEL = {
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_connection_age_ms": 30 * 60_000,
  "grpc.max_connection_age_grace_ms": 5_000,
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
} as const;

const DRAIN_GRACE_MS = 1_000;

export class AdsServer {
  readonly #options: AdsOptions;
  readonly #server = new Server({ ...CHANNEL, interceptors: [sendFrames] });
  readonly #connections = new Set<Connection>();
  readonly #pusher = new Pusher((durationMs) => rounds.observe(durationMs / 1000));
  readonly #hub: Hub;
  readonly #undo: (() => void)[];
  #address: string | undefined;

  constructor(options: AdsOptions) {
    this.#options = options;
    const { scopes, secrets, pods, log } = options;
    this.#hub = {
      scopes,
      frames: new Frames(),
      turns: new Turns(),
      secrets: new SecretStore(secrets, (message) => log.error(message)),
      changedFor: (connection) => this.#pusher.changedFor(connection),
      closed: (connection) => this.#closed(connection),
      rejected: (rejection) => this.#rejected(rejection),
    };
    this.#undo = [
      scopes.onChange(() => this.#pusher.changed()),
      pods.onChange((key) => this.#podChanged(key)),
    ];
    const { frames } = this.#hub;
    this.#server.addService(SERVICE, {
      DeltaAggregatedResources: (call: AdsCall<DeltaDiscoveryRequest>) =>
        void this.#accept(call, (caller) => this.#connect(call, caller, deltaDialect(frames))),
      StreamAggregatedResources: (call: AdsCall<DiscoveryRequest>) =>
        void this.#accept(call, (caller) => this.#connectState(call, caller)),
    });
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Whether proxies are being served just now: what can wait, should. */
  get isBusy(): boolean {
    return this.#pusher.isBusy || this.#hub.turns.isBusy;
  }

  /** What proxies connected here do not take as it is now. */
  *refusals(): Iterable<Refusal> {
    for (const connection of this.#connections) yield* connection.refusals();
  }

  /** @returns the port that was bound */
  async listen({ host, port, certificates }: Listening): Promise<number> {
    const credentials = experimental.createCertificateProviderServerCredentials(
      certificates,
      null,
      false,
    );
    return this.#bind(`${host.includes(":") ? `[${host}]` : host}:${port}`, credentials);
  }

  /** Without TLS: for clients on loopback, that is, for tests. */
  async listenPlain(port: number): Promise<number> {
    return this.#bind(`127.0.0.1:${port}`, ServerCredentials.createInsecure());
  }

  /**
   * Parts from all proxies over `drainMs`, so that they do not reach the next replica all at once.
   * New connections are refused at once, and new streams on those that exist.
   */
  async drain(drainMs: number): Promise<void> {
    for (const undo of this.#undo) undo();
    if (this.#address !== undefined) {
      // GOAWAY first: it needs the port to be bound still.
      this.#server.drain(this.#address, drainMs + DRAIN_GRACE_MS);
      this.#server.unbind(this.#address);
    }
    const open = [...this.#connections];
    for (const connection of open) {
      connection.end();
      await delay(drainMs / open.length);
    }
    this.#server.forceShutdown();
  }

  #bind(address: string, credentials: ServerCredentials): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync(address, credentials, (error, port) => {
      if (error !== null) reject(error);
      else resolve(port);
      this.#address = address.replace(/:\d+$/, `:${port}`);
    });
    return promise;
  }

  async #accept<Request>(call: AdsCall<Request>, connect: (caller: Caller) => void): Promise<void> {
    // Nobody else listens for errors until the stream does.
    call.on("error", () => {});
    try {
      const caller = await this.#options.authenticator.authenticate(
        call.metadata.get("authorization"),
      );
      if (!call.cancelled) connect(caller);
    } catch (error) {
      this.#refuse(call, error);
    }
  }

  /** The first request says which dialect it is in. */
  #connectState(call: AdsCall<DiscoveryRequest>, caller: Caller): void {
    call.once("data", (first: DiscoveryRequest) => {
      const state = new SotwCall(call);
      this.#connect(state, caller, stateDialect(state.frames, first));
      state.receive(first);
    });
  }

  #connect(call: Call, caller: Caller, dialect: Dialect): void {
    const connection = new Connection(call, caller, { hub: this.#hub, dialect });
    this.#connections.add(connection);
    this.#pusher.add(connection);
    connected.set(this.#connections.size);
    this.#options.log.debug(`${caller.key} connected`, { identity: caller.identity });
  }

  #refuse<Request>(call: AdsCall<Request>, error: unknown): void {
    this.#options.log.warn(`refused a stream from ${call.getPeer()}: ${String(error)}`);
    const isItsFault = error instanceof MeshError && error.code === UNAUTHENTICATED;
    if (isItsFault) refusedCalls.inc();
    // The caller learns what is wrong with its token, and nothing of what is wrong with us.
    const answer = isItsFault
      ? { code: status.UNAUTHENTICATED, details: `${error.message}: ${error.hint}` }
      : { code: status.UNAVAILABLE, details: "the token cannot be checked now" };
    call.emit("error", answer);
  }

  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#pusher.delete(connection);
    connected.set(this.#connections.size);
    this.#options.log.debug(`${connection.caller.key} disconnected`);
  }

  #rejected(rejection: Rejection): void {
    const { proxy, type, resources, message } = rejection;
    const names = resources.map(({ name }) => name).slice(0, 5);
    this.#options.log.warn(`${proxy} rejected ${type} ${names.join(", ")}: ${message}`);
    this.#options.onRejection?.(rejection);
  }

  #podChanged(key: string): void {
    for (const connection of this.#connections) {
      if (connection.caller.key !== key) continue;
      const pod = this.#options.pods.find(connection.caller.pod);
      if (pod === undefined) continue;
      connection.move(callerOf(pod, this.#options.trustDomain));
    }
  }
}
