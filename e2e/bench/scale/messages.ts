/**
 * Responses of the delta ADS stream, as far as a proxy without a data plane cares. Proxies of one
 * scope are sent the same bytes: they are taken apart once, and what is answered is encoded once.
 * Hundreds of proxies in one process would else cost more than what is measured.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { TYPE_URLS } from "../../../src/proto/type-url.ts";
import { names } from "./names.ts";
import { routeNames } from "./route-names.ts";
import { serviceName } from "./service-name.ts";

interface Resource {
  readonly name: string;
  readonly body: Uint8Array;
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
function readResource(reader: BinaryReader, end: number): Resource {
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

interface Request {
  readonly typeUrl: string;
  readonly node?: string;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly nonce?: string;
}

/** DeltaDiscoveryRequest: node = 1 (id = 1), type_url = 2, subscribe = 3, unsubscribe = 4, nonce = 6. */
export function writeRequest({
  typeUrl,
  node,
  subscribe = [],
  unsubscribe = [],
  nonce,
}: Request): Buffer {
  const writer = new BinaryWriter();
  if (node !== undefined) writer.uint32(10).fork().uint32(10).string(node).join();
  writer.uint32(18).string(typeUrl);
  for (const name of subscribe) writer.uint32(26).string(name);
  for (const name of unsubscribe) writer.uint32(34).string(name);
  if (nonce !== undefined) writer.uint32(50).string(nonce);
  return Buffer.from(writer.finish());
}

/** DeltaDiscoveryResponse: resources = 2, type_url = 4, nonce = 5, removed_resources = 6. */
export class Message {
  readonly bytes: Buffer;
  readonly typeUrl: string;
  readonly came: readonly number[];
  readonly went: readonly number[];
  readonly ack: Buffer;
  readonly #resources: readonly Resource[];
  #assignments: readonly (number | undefined)[] | undefined;
  #endpointsRequest: Buffer | undefined;

  constructor(bytes: Buffer) {
    const reader = new BinaryReader(bytes);
    const resources: Resource[] = [];
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
    this.bytes = bytes;
    this.typeUrl = typeUrl;
    this.#resources = resources;
    this.came = resources.map(({ name }) => names.numberOf(name));
    this.went = removed.map((name) => names.numberOf(name));
    this.ack = writeRequest({ typeUrl, nonce });
  }

  /** Of clusters: the names of their endpoints, if those come from us. */
  get assignments(): readonly (number | undefined)[] {
    this.#assignments ??= this.#resources.map(({ body }) => {
      const name = serviceName(body);
      return name === undefined ? undefined : names.numberOf(name);
    });
    return this.#assignments;
  }

  /** Asks for the endpoints of all of its clusters. */
  get endpointsRequest(): Buffer {
    this.#endpointsRequest ??= writeRequest({
      typeUrl: TYPE_URLS.ClusterLoadAssignment,
      subscribe: this.assignments
        .filter((one) => one !== undefined)
        .map((one) => names.nameOf(one)),
    });
    return this.#endpointsRequest;
  }

  /** Of listeners: the route configurations they name. */
  get routes(): readonly string[] {
    return this.#resources.flatMap(({ body }) => routeNames(body));
  }

  /** Whether the name or the content of a resource, or the name of one that went, has the text. */
  holds(text: Buffer): boolean {
    return (
      this.#resources.some(
        ({ name, body }) => Buffer.from(name).includes(text) || Buffer.from(body).includes(text),
      ) || this.went.some((one) => Buffer.from(names.nameOf(one)).includes(text))
    );
  }
}

/** Read without a look into the resources. */
function nonceOf(message: Uint8Array): string {
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

const byNonce = new Map<string, Message>();

export function readMessage(bytes: Buffer): Message {
  const nonce = nonceOf(bytes);
  const known = byNonce.get(nonce);
  if (known !== undefined && bytes.equals(known.bytes)) return known;
  const message = new Message(bytes);
  byNonce.set(nonce, message);
  const [oldest] = byNonce.keys();
  if (byNonce.size > REMEMBERED && oldest !== undefined) byNonce.delete(oldest);
  return message;
}
