/** A delta ADS client that keeps what it is sent, decoded, and accepts it unless told otherwise. */
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type StatusObject,
} from "@grpc/grpc-js";
import { type DecodedDelta, decodeDelta } from "../proto/delta.ts";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { DeltaDiscoveryRequest } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import type { ResourceType } from "../xds/resource.ts";

const DECODERS = {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  VirtualHost,
  Secret,
} as const;

type Message<T extends ResourceType> = ReturnType<(typeof DECODERS)[T]["decode"]>;

/** One resource as the client holds it. */
export interface HeldResource {
  readonly version: string;
  readonly body: Uint8Array;
}

export interface AdsClientOptions {
  readonly port: number;
  /** Roots to trust, and the name that the server's certificate must carry; absent: no TLS. */
  readonly tls?: { readonly rootsPem: string; readonly serverName: string };
  readonly token?: string;
}

export interface Answer extends DecodedDelta {
  readonly type: ResourceType;
}

const METHOD = {
  delta: {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    requestStream: true,
    responseStream: true,
    requestSerialize: (request: DeltaDiscoveryRequest) =>
      Buffer.from(DeltaDiscoveryRequest.encode(request).finish()),
    requestDeserialize: (bytes: Buffer) => DeltaDiscoveryRequest.decode(bytes),
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} as const;

const AdsStub = makeGenericClientConstructor(METHOD, "Ads");

export class AdsClient {
  /** Everything received, in order. */
  readonly answers: Answer[] = [];
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  /** Returns a reason to reject a response; accepted are those without. */
  judge: (answer: Answer) => string | undefined = () => undefined;
  readonly #held = new Map<ResourceType, Map<string, HeldResource>>();
  readonly #listeners = new Set<() => void>();
  readonly #stub: InstanceType<typeof AdsStub>;
  readonly #call: ClientDuplexStream<DeltaDiscoveryRequest, Buffer>;

  constructor({ port, tls, token }: AdsClientOptions) {
    this.#stub = new AdsStub(`127.0.0.1:${port}`, channel(tls), {
      ...(tls && { "grpc.ssl_target_name_override": tls.serverName }),
      "grpc.max_receive_message_length": -1,
    });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    this.#call = this.#stub.makeBidiStreamRequest(
      METHOD.delta.path,
      METHOD.delta.requestSerialize,
      METHOD.delta.responseDeserialize,
      metadata,
    );
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    this.ended = promise;
    this.#call.on("status", resolve);
    // The status says the same, and says it always.
    this.#call.on("error", () => {});
    this.#call.on("data", (bytes: Buffer) => this.#receive(bytes));
  }

  subscribe(
    type: ResourceType,
    names: readonly string[] = [],
    initialVersions: Readonly<Record<string, string>> = {},
  ): void {
    this.#call.write({
      typeUrl: TYPE_URLS[type],
      resourceNamesSubscribe: [...names],
      initialResourceVersions: { ...initialVersions },
    });
  }

  unsubscribe(type: ResourceType, names: readonly string[]): void {
    this.#call.write({ typeUrl: TYPE_URLS[type], resourceNamesUnsubscribe: [...names] });
  }

  /** Anything that the protocol lets a client say. */
  say(type: ResourceType, request: DeltaDiscoveryRequest): void {
    this.#call.write({ ...request, typeUrl: TYPE_URLS[type] });
  }

  held(type: ResourceType): ReadonlyMap<string, HeldResource> {
    return this.#held.get(type) ?? new Map();
  }

  decoded<T extends ResourceType>(type: T, name: string): Message<T> | undefined {
    const body = this.held(type).get(name)?.body;
    return body && (DECODERS[type].decode(body) as Message<T>);
  }

  versions(type: ResourceType): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.held(type)].map(([name, { version }]) => [name, version]));
  }

  /** Calls back after each response; returns the undo. */
  onAnswer(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#call.end();
    this.#stub.close();
  }

  #receive(bytes: Buffer): void {
    const delta = decodeDelta(bytes);
    const type = delta.typeUrl.split(".").at(-1) as ResourceType;
    const answer = { ...delta, type };
    const refusal = this.judge(answer);
    if (refusal === undefined) this.#keep(answer);
    this.#call.write({
      typeUrl: delta.typeUrl,
      responseNonce: delta.nonce,
      ...(refusal !== undefined && { errorDetail: { code: 13, message: refusal } }),
    });
    this.answers.push(answer);
    for (const listener of this.#listeners) listener();
  }

  #keep({ type, resources, removed }: Answer): void {
    const held = this.#held.get(type) ?? new Map<string, HeldResource>();
    this.#held.set(type, held);
    for (const { name, version, body } of resources) held.set(name, { version, body });
    for (const name of removed) held.delete(name);
  }
}

function channel(tls: AdsClientOptions["tls"]): ChannelCredentials {
  return tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(Buffer.from(tls.rootsPem));
}
