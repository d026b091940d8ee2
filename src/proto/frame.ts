import { BinaryWriter } from "@bufbuild/protobuf/wire";

/**
 * Of what gRPC puts before a message: whether it is compressed, and how long it is, in four bytes.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export const PREFIX_BYTES = 5;

/** A `DeltaDiscoveryResponse` whose resources are encoded already. */
export interface DeltaResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Encoded `envoy.service.discovery.v3.Resource` messages. */
  readonly resources: readonly { readonly bytes: Uint8Array }[];
  readonly removed: readonly string[];
}

// Field numbers of envoy.service.discovery.v3.DeltaDiscoveryResponse, as (number << 3) | LEN.
const RESOURCES = 18;
const TYPE_URL = 34;
const NONCE = 42;
const REMOVED = 50;

// Field numbers of envoy.service.discovery.v3.DiscoveryResponse; resources are number 2, too.
const VERSION_INFO = 10;

/** @returns the message with gRPC's prefix */
export function encodeDelta({ typeUrl, nonce, resources, removed }: DeltaResponse): Buffer {
  const writer = new BinaryWriter().uint32(TYPE_URL).string(typeUrl).uint32(NONCE).string(nonce);
  for (const name of removed) writer.uint32(REMOVED).string(name);
  return joined(
    writer.finish(),
    resources.map(({ bytes }) => bytes),
  );
}

/** A `DiscoveryResponse` whose resources are encoded already. */
export interface StateResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  /** Encoded `google.protobuf.Any` messages. */
  readonly resources: readonly Uint8Array[];
}

/** @returns the message with gRPC's prefix */
export function encodeState({ typeUrl, nonce, version, resources }: StateResponse): Buffer {
  const writer = new BinaryWriter().uint32(VERSION_INFO).string(version);
  writer.uint32(TYPE_URL).string(typeUrl).uint32(NONCE).string(nonce);
  return joined(writer.finish(), resources);
}

/** The same message with gRPC's prefix. */
export function framed(message: Uint8Array): Buffer {
  const frame = prefixed(message.length);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** The message in a frame. */
export const unframed = (frame: Buffer): Buffer => frame.subarray(PREFIX_BYTES);

/** Room for a message of so many bytes, uncompressed, after its prefix. */
function prefixed(size: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + size);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  return frame;
}

/** One allocation and one copy of each resource: nothing is encoded twice. */
function joined(head: Uint8Array, resources: readonly Uint8Array[]): Buffer {
  let size = head.length;
  for (const { length } of resources) size += 1 + varintLength(length) + length;
  const frame = prefixed(size);
  frame.set(head, PREFIX_BYTES);
  let at = PREFIX_BYTES + head.length;
  for (const bytes of resources) {
    frame[at++] = RESOURCES;
    at = writeVarint(frame, at, bytes.length);
    frame.set(bytes, at);
    at += bytes.length;
  }
  return frame;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
  return length;
}

/** @returns the offset after the number */
function writeVarint(out: Buffer, at: number, value: number): number {
  let offset = at;
  let rest = value;
  for (; rest > 127; rest >>>= 7) out[offset++] = (rest & 127) | 128;
  out[offset++] = rest;
  return offset;
}
