/**
 * A client of the delta ADS stream that asks as Envoy asks (CDS then EDS, LDS then RDS then VHDS) and
 * keeps nothing but names and versions, so that one process can stand for hundreds of proxies.
 */

import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import { TYPE_URLS } from "../../../src/proto/type-url.ts";
import { routeNames } from "./route-names.ts";
import { serviceName } from "./service-name.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

const bytes = (message: Buffer): Buffer => message;

/** A time that processes can compare. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

/** One response as far as a proxy without a data plane cares. */
interface Delta {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly body: Uint8Array }[];
  readonly removed: readonly string[];
}

/** google.protobuf.Any: value = 2. */
function readBody(reader: BinaryReader, end: number): Uint8Array {
  let body: Uint8Array = new Uint8Array();
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 2) body = reader.bytes();
    else reader.skip(wire);
  }
  return body;
}

/** envoy.service.discovery.v3.Resource: name = 3, resource = 2. */
function readResource(reader: BinaryReader, end: number): { name: string; body: Uint8Array } {
  let name = "";
  let body: Uint8Array = new Uint8Array();
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 3) name = reader.string();
    else if (field === 2) {
      const length = reader.uint32();
      body = readBody(reader, reader.pos + length);
    } else reader.skip(wire);
  }
  return { name, body };
}

/** DeltaDiscoveryResponse: resources = 2, type_url = 4, nonce = 5, removed_resources = 6. */
function readDelta(message: Uint8Array): Delta {
  const reader = new BinaryReader(message);
  const resources: { name: string; body: Uint8Array }[] = [];
  const removed: string[] = [];
  let [typeUrl, nonce] = ["", ""];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 2) {
      const length = reader.uint32();
      resources.push(readResource(reader, reader.pos + length));
    } else if (field === 4) typeUrl = reader.string();
    else if (field === 5) nonce = reader.string();
    else if (field === 6) removed.push(reader.string());
    else reader.skip(wire);
  }
  return { typeUrl, nonce, resources, removed };
}

/** Of a message without a look into its resources. */
function readNonce(message: Uint8Array): string {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 5) return reader.string();
    reader.skip(wire);
  }
  return "";
}

/** How many messages are remembered: more than are on their way to proxies at one time. */
const REMEMBERED = 1_000;

/**
 * Proxies of one scope are sent the same bytes: they are taken apart once, and the names in them kept
 * once. Hundreds of proxies in one process would else cost more than what is measured.
 */
class Messages {
  readonly #byNonce = new Map<string, { readonly message: Uint8Array; readonly delta: Delta }>();

  read(message: Buffer): Delta {
    const nonce = readNonce(message);
    const known = this.#byNonce.get(nonce);
    if (known !== undefined && message.equals(known.message)) return known.delta;
    const delta = readDelta(message);
    this.#byNonce.set(nonce, { message, delta });
    const [oldest] = this.#byNonce.keys();
    if (this.#byNonce.size > REMEMBERED && oldest !== undefined) this.#byNonce.delete(oldest);
    return delta;
  }
}

const messages = new Messages();

interface Request {
  readonly typeUrl: string;
  readonly node?: string;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly nonce?: string;
}

/** DeltaDiscoveryRequest: node = 1 (id = 1), type_url = 2, subscribe = 3, unsubscribe = 4, nonce = 6. */
function writeRequest({ typeUrl, node, subscribe = [], unsubscribe = [], nonce }: Request): Buffer {
  const writer = new BinaryWriter();
  if (node !== undefined) writer.uint32(10).fork().uint32(10).string(node).join();
  writer.uint32(18).string(typeUrl);
  for (const name of subscribe) writer.uint32(26).string(name);
  for (const name of unsubscribe) writer.uint32(34).string(name);
  if (nonce !== undefined) writer.uint32(50).string(nonce);
  return Buffer.from(writer.finish());
}

export interface ProxyEvents {
  /** A resource arrived, or went (`body` absent). */
  resource(proxy: FakeProxy, typeUrl: string, name: string, body?: Uint8Array): void;
  /** A response was taken whole. */
  answered(proxy: FakeProxy): void;
  ended(proxy: FakeProxy, error: Error | undefined): void;
}

export class FakeProxy {
  readonly id: string;
  /** Bytes of all responses so far, as the stream delivered them. */
  receivedBytes = 0;
  /** When the last response came. */
  receivedAt = 0;
  /** Names held, by type URL. */
  readonly held = new Map<string, Set<string>>();
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #events: ProxyEvents;
  /** Names of endpoints, by cluster. */
  readonly #assignments = new Map<string, string>();
  /** Names of endpoints that it asks for. */
  readonly #wanted = new Set<string>();
  readonly #routes = new Set<string>();
  #closed = false;

  constructor(client: Client, options: { id: string; token: string; events: ProxyEvents }) {
    this.id = options.id;
    this.#events = options.events;
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${options.token}`);
    this.#call = client.makeBidiStreamRequest(METHOD, bytes, bytes, metadata);
    this.#call.on("data", (message: Buffer) => this.#receive(message));
    this.#call.on("error", (error) => this.#end(error));
    this.#call.on("end", () => this.#end(undefined));
    this.#send({ typeUrl: TYPE_URLS.Cluster, node: options.id });
    this.#send({ typeUrl: TYPE_URLS.Listener });
  }

  close(): void {
    this.#closed = true;
    this.#call.cancel();
  }

  /** Everything a proxy needs before it serves: each cluster its endpoints, each route its hosts. */
  get configured(): boolean {
    const count = (typeUrl: string): number => this.held.get(typeUrl)?.size ?? 0;
    return (
      count(TYPE_URLS.Cluster) > 0 &&
      count(TYPE_URLS.Listener) > 0 &&
      this.#missing(TYPE_URLS.ClusterLoadAssignment, this.#wanted) === 0 &&
      this.#missing(TYPE_URLS.RouteConfiguration, this.#routes) === 0
    );
  }

  #missing(typeUrl: string, wanted: ReadonlySet<string>): number {
    const held = this.held.get(typeUrl) ?? new Set<string>();
    // Most of the time it has too few for a closer look.
    return held.size < wanted.size ? wanted.size : wanted.difference(held).size;
  }

  #receive(message: Buffer): void {
    this.receivedBytes += message.length;
    this.receivedAt = wallMs();
    const { typeUrl, nonce, resources, removed } = messages.read(message);
    const held = this.held.get(typeUrl) ?? new Set<string>();
    this.held.set(typeUrl, held);
    for (const { name } of resources) held.add(name);
    for (const name of removed) held.delete(name);
    // As Envoy: what a response brings into being is asked for before the response is ACKed.
    this.#follow(typeUrl, resources, removed);
    this.#send({ typeUrl, nonce });
    for (const { name, body } of resources) this.#events.resource(this, typeUrl, name, body);
    for (const name of removed) this.#events.resource(this, typeUrl, name);
    this.#events.answered(this);
  }

  #follow(typeUrl: string, resources: Delta["resources"], removed: readonly string[]): void {
    if (typeUrl === TYPE_URLS.Cluster) this.#followClusters(resources, removed);
    else if (typeUrl === TYPE_URLS.Listener) this.#followListeners(resources);
    else if (typeUrl === TYPE_URLS.RouteConfiguration && !this.held.has(TYPE_URLS.VirtualHost)) {
      this.held.set(TYPE_URLS.VirtualHost, new Set());
      this.#send({ typeUrl: TYPE_URLS.VirtualHost });
    }
  }

  #followClusters(resources: Delta["resources"], removed: readonly string[]): void {
    const [came, went] = [new Set<string>(), new Set<string>()];
    const assign = (cluster: string, assignment: string | undefined): void => {
      const before = this.#assignments.get(cluster);
      if (before === assignment) return;
      if (before !== undefined) went.add(before);
      if (assignment === undefined) this.#assignments.delete(cluster);
      else this.#assignments.set(cluster, assignment);
      if (assignment !== undefined) came.add(assignment);
    };
    for (const { name, body } of resources) assign(name, serviceName(body));
    for (const name of removed) assign(name, undefined);
    const subscribe = [...came.difference(this.#wanted)];
    const unsubscribe = [...went].filter((name) => !this.#isAssigned(name));
    for (const name of subscribe) this.#wanted.add(name);
    for (const name of unsubscribe) this.#wanted.delete(name);
    if (subscribe.length + unsubscribe.length > 0)
      this.#send({ typeUrl: TYPE_URLS.ClusterLoadAssignment, subscribe, unsubscribe });
  }

  #isAssigned(name: string): boolean {
    return this.#assignments.values().some((assignment) => assignment === name);
  }

  #followListeners(resources: Delta["resources"]): void {
    const named = new Set(resources.flatMap(({ body }) => routeNames(body)));
    const subscribe = [...named.difference(this.#routes)];
    for (const name of subscribe) this.#routes.add(name);
    if (subscribe.length > 0) this.#send({ typeUrl: TYPE_URLS.RouteConfiguration, subscribe });
  }

  #send(request: Request): void {
    this.#call.write(writeRequest(request));
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.ended(this, error);
  }
}
