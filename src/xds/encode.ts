import { hash } from "node:crypto";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
// Registers the codecs of all that may stand in an `Any`.
import "../proto/types.ts";
import { defined } from "../util/defined.ts";
import type { EncodedResource, ResourceType } from "./resource.ts";
import type { Translated } from "./translator.ts";

interface Encoder {
  encode(message: object, writer: BinaryWriter): BinaryWriter;
}

const ENCODERS: Readonly<Record<ResourceType, Encoder>> = {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  VirtualHost,
  Secret,
};

// Field numbers of envoy.service.discovery.v3.Resource and google.protobuf.Any, as (number << 3) | LEN.
const VERSION = 10;
const RESOURCE = 18;
const NAME = 26;
const ANY_TYPE_URL = 10;
const ANY_VALUE = 18;

/** One buffer for all: to grow a new one for each resource costs more than to encode it. */
const SCRATCH = new BinaryWriter();

/** A resource as it goes over the wire, to every proxy that gets it. Equal bodies, equal bytes. */
export function encode(
  type: ResourceType,
  { name, body, clusters, assignment, isEmpty, bytes: given, patches }: Translated,
  version?: string,
): EncodedResource {
  // Drops what an encoding that failed left behind.
  SCRATCH.finish();
  const value = given ?? ENCODERS[type].encode(body, SCRATCH).finish();
  return {
    ...envelope(type, value, { name, clusters, ...defined({ version }) }),
    ...(assignment !== undefined && { assignment }),
    ...(isEmpty && { isEmpty }),
    ...(patches && { patches }),
  };
}

interface Label {
  readonly name: string;
  readonly clusters: readonly string[];
  /** Absent: what the content says. */
  readonly version?: string;
}

/** An encoded message as a resource. */
export function envelope(
  type: ResourceType,
  value: Uint8Array,
  { name, clusters, version }: Label,
): EncodedResource {
  SCRATCH.finish();
  const tag = version ?? contentVersion(value);
  const bytes = SCRATCH.uint32(VERSION)
    .string(tag)
    .uint32(RESOURCE)
    .fork()
    .uint32(ANY_TYPE_URL)
    .string(TYPE_URLS[type])
    .uint32(ANY_VALUE)
    .bytes(value)
    .join()
    .uint32(NAME)
    .string(name)
    .finish();
  return { name, version: tag, bytes, clusters };
}

/** A message alone. */
export function encodeBody(type: ResourceType, body: object): Uint8Array {
  SCRATCH.finish();
  return ENCODERS[type].encode(body, SCRATCH).finish();
}

/** Of the 64 letters each; 60 bits are enough that no two versions of one resource ever meet. */
const VERSION_LETTERS = 10;

export function contentVersion(value: Uint8Array): string {
  return hash("sha256", value, "base64url").slice(0, VERSION_LETTERS);
}
