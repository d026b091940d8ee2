/** Reads a `DeltaDiscoveryResponse` without looking into its resources, whose types may be any. */
import { BinaryReader } from "@bufbuild/protobuf/wire";

export interface DecodedDelta {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly DecodedResource[];
  readonly removed: readonly string[];
}

export interface DecodedResource {
  readonly name: string;
  readonly version: string;
  /** The encoded message inside. */
  readonly body: Uint8Array;
}

/** Reads the length-delimited fields of a message: every field here is one. */
function* fields(bytes: Uint8Array): Iterable<readonly [number: number, value: Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === 2) yield [tag >>> 3, reader.bytes()];
    else reader.skip(tag & 7);
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function decodeDelta(bytes: Uint8Array): DecodedDelta {
  const resources: DecodedResource[] = [];
  const removed: string[] = [];
  let [typeUrl, nonce] = ["", ""];
  for (const [number, value] of fields(bytes)) {
    if (number === 2) resources.push(decodeResource(value));
    else if (number === 4) typeUrl = text(value);
    else if (number === 5) nonce = text(value);
    else if (number === 6) removed.push(text(value));
  }
  return { typeUrl, nonce, resources, removed };
}

/** Reads an encoded `envoy.service.discovery.v3.Resource`. */
export function decodeResource(bytes: Uint8Array): DecodedResource {
  let [name, version] = ["", ""];
  let body = new Uint8Array();
  for (const [number, value] of fields(bytes)) {
    if (number === 1) version = text(value);
    else if (number === 2) body = anyValue(value);
    else if (number === 3) name = text(value);
  }
  return { name, version, body };
}

/** The `google.protobuf.Any` in an encoded `Resource`, as it stands there. */
export function anyOf(bytes: Uint8Array): Uint8Array {
  for (const [number, value] of fields(bytes)) if (number === 2) return value;
  return new Uint8Array();
}

function anyValue(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  for (const [number, value] of fields(bytes)) if (number === 2) return Uint8Array.from(value);
  return new Uint8Array();
}
