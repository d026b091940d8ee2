/**
 * A client of the delta ADS stream that asks as Envoy asks (CDS then EDS, LDS then RDS then VHDS) and
 * keeps nothing but names, so that one process can stand for hundreds of proxies.
 */
import { TYPE_URLS } from "../../../src/proto/type-url.ts";
import { GrpcStream, type StreamTarget } from "./grpc-stream.ts";
import { type Message, readMessage, writeRequest } from "./messages.ts";
import { NumberMap, NumberSet, names } from "./names.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/** A time that processes can compare. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

export interface ProxyEvents {
  /** A response was taken whole. */
  received(proxy: FakeProxy, message: Message): void;
  ended(proxy: FakeProxy, why: string): void;
}

export class FakeProxy {
  readonly id: string;
  /** Bytes of all responses so far, as the stream delivered them. */
  receivedBytes = 0;
  /** When the last response came. */
  receivedAt = 0;
  /** Names held, by type URL. */
  readonly #held = new Map<string, NumberSet>();
  readonly #stream: GrpcStream;
  readonly #events: ProxyEvents;
  /** Names of endpoints, by cluster. */
  readonly #assignments = new NumberMap();
  /** Names of endpoints that it asks for. */
  readonly #wanted = new NumberSet();
  readonly #routes = new NumberSet();

  constructor(id: string, target: Omit<StreamTarget, "path">, events: ProxyEvents) {
    this.id = id;
    this.#events = events;
    this.#stream = new GrpcStream(
      { ...target, path: METHOD },
      {
        message: (response) => this.#receive(response),
        ended: (why) => events.ended(this, why),
      },
    );
    this.#stream.write(writeRequest({ typeUrl: TYPE_URLS.Cluster, node: id }));
    this.#stream.write(writeRequest({ typeUrl: TYPE_URLS.Listener }));
  }

  /** Everything a proxy needs before it serves: each cluster its endpoints, each route its hosts. */
  get configured(): boolean {
    return (
      this.#heldOf(TYPE_URLS.Cluster).size > 0 &&
      this.#heldOf(TYPE_URLS.Listener).size > 0 &&
      this.#heldOf(TYPE_URLS.ClusterLoadAssignment).holdsAllOf(this.#wanted) &&
      this.#heldOf(TYPE_URLS.RouteConfiguration).holdsAllOf(this.#routes)
    );
  }

  #heldOf(typeUrl: string): NumberSet {
    const held = this.#held.get(typeUrl) ?? new NumberSet();
    this.#held.set(typeUrl, held);
    return held;
  }

  #receive(response: Buffer): void {
    this.receivedBytes += response.length;
    this.receivedAt = wallMs();
    const message = readMessage(response);
    const held = this.#heldOf(message.typeUrl);
    for (const one of message.came) held.add(one);
    for (const one of message.went) held.delete(one);
    // As Envoy: what a response brings into being is asked for before the response is ACKed.
    this.#follow(message);
    this.#stream.write(message.ack);
    this.#events.received(this, message);
  }

  #follow(message: Message): void {
    const { typeUrl } = message;
    if (typeUrl === TYPE_URLS.Cluster) this.#followClusters(message);
    else if (typeUrl === TYPE_URLS.Listener) this.#followListeners(message);
    else if (typeUrl === TYPE_URLS.RouteConfiguration && !this.#held.has(TYPE_URLS.VirtualHost)) {
      this.#heldOf(TYPE_URLS.VirtualHost);
      this.#stream.write(writeRequest({ typeUrl: TYPE_URLS.VirtualHost }));
    }
  }

  #followClusters(message: Message): void {
    const { came, went, assignments } = message;
    const left = new Set<number>();
    const assign = (cluster: number, assignment: number | undefined): void => {
      const before = this.#assignments.get(cluster);
      if (before !== undefined && before !== assignment) left.add(before);
      this.#assignments.set(cluster, assignment);
    };
    for (const [i, cluster] of came.entries()) assign(cluster, assignments[i]);
    for (const cluster of went) assign(cluster, undefined);
    const subscribe = assignments
      .filter((one) => one !== undefined)
      .filter((one) => !this.#wanted.has(one));
    for (const one of subscribe) this.#wanted.add(one);
    const unsubscribe = [...left].filter((one) => !this.#assignments.includes(one));
    for (const one of unsubscribe) this.#wanted.delete(one);
    this.#askForEndpoints(message, subscribe, unsubscribe);
  }

  #askForEndpoints(
    message: Message,
    subscribe: readonly number[],
    unsubscribe: readonly number[],
  ): void {
    if (subscribe.length + unsubscribe.length === 0) return;
    const all = message.assignments.filter((one) => one !== undefined).length;
    if (subscribe.length === all && unsubscribe.length === 0) {
      this.#stream.write(message.endpointsRequest);
      return;
    }
    const named = (numbers: readonly number[]) => numbers.map((one) => names.nameOf(one));
    const typeUrl = TYPE_URLS.ClusterLoadAssignment;
    this.#stream.write(
      writeRequest({ typeUrl, subscribe: named(subscribe), unsubscribe: named(unsubscribe) }),
    );
  }

  #followListeners({ routes }: Message): void {
    const subscribe = routes.filter((name) => !this.#routes.has(names.numberOf(name)));
    for (const name of subscribe) this.#routes.add(names.numberOf(name));
    if (subscribe.length > 0)
      this.#stream.write(writeRequest({ typeUrl: TYPE_URLS.RouteConfiguration, subscribe }));
  }
}
